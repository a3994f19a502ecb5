/** `userspace container wait` */

import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as waiting from "../../../container/Wait.ts"
import { Changes } from "../../../platform/Changes.ts"
import { text, timeoutFlag } from "../../input/Flags.ts"
import { InvocationContext } from "../../print/Printer.ts"
import { fromContainer, namesOf, placeFlags, placesOf } from "./ContainerFlags.ts"

export const command = Command.make(
  "wait",
  {
    ...placeFlags,
    interfaces: text("interfaces", "NAMES", "Wait for these interfaces, comma-separated: net1,net2"),
    count: Flag.Int("count").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription(
        "Wait for this many interfaces (default: all named ones, or all configured ones, at least one)"
      ),
      Flag.filter(
        (count) => count >= 1 && count <= 256,
        () => "1 to 256"
      ),
      Flag.optional
    ),
    timeout: timeoutFlag("60s", "Give up after this time")
  },
  Effect.fnUntraced(function* (options) {
    const { variables } = yield* InvocationContext
    const expected = { names: namesOf(options.interfaces), count: Option.getOrUndefined(options.count) }
    const { interfaces } = yield* waiting
      .wait(placesOf(options, variables), expected, options.timeout)
      .pipe(Effect.provide(Changes.layer), Effect.mapError(fromContainer))
    yield* Console.log(`Ready: ${interfaces.map(({ name }) => name).join(", ")}`)
  })
).pipe(
  Command.withDescription(
    "Wait until every expected interface is ready: configured, and its socket exists if the switch creates it"
  )
)
