/** `userspace container show` */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Presence from "../../../container/Presence.ts"
import { assumption } from "../../../container/told/Sandbox.ts"
import { interfacesFlag, jsonFlag, placeFlags } from "../../input/ContainerFlags.ts"
import { InvocationContext } from "../../input/InvocationContext.ts"
import { interfaceJson, interfaceTable } from "../../text/InterfaceText.ts"
import { chosen, reportSkipped } from "./Chosen.ts"

export const show = Command.make(
  "show",
  { ...placeFlags, interfaces: interfacesFlag, json: jsonFlag },
  Effect.fnUntraced(function* (options) {
    const { style } = yield* InvocationContext
    const { found, interfaces } = yield* chosen(options)
    const seen = yield* Effect.forEach(interfaces, (one) =>
      Effect.map(Presence.look(one), (presence) => ({ one, presence }))
    )
    if (options.json) {
      const { problems, sandbox } = found
      return yield* Console.log(JSON.stringify({ interfaces: seen.map(interfaceJson), sandbox, problems }))
    }
    yield* Console.log(interfaceTable(seen, style))
    const assumed = assumption(found.sandbox)
    if (assumed !== undefined) yield* Console.error(assumed)
    yield* reportSkipped(found)
  })
).pipe(
  Command.withDescription(
    "Show each interface of this container: its socket, who creates it and whether it exists, role, addresses"
  )
)
