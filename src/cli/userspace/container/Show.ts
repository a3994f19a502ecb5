/** `userspace container show` */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { find } from "../../../container/Discovery.ts"
import * as Presence from "../../../container/Presence.ts"
import { assumption } from "../../../container/told/Sandbox.ts"
import { chosen, interfacesFlag, jsonFlag, namesOf, placeFlags, placesOf } from "../../input/ContainerFlags.ts"
import { InvocationContext } from "../../input/InvocationContext.ts"
import { interfaceJson, interfaceTable } from "../../text/InterfaceText.ts"

export const show = Command.make(
  "show",
  { ...placeFlags, interfaces: interfacesFlag, json: jsonFlag },
  Effect.fnUntraced(function* (options) {
    const { style, variables } = yield* InvocationContext
    const found = yield* find(placesOf(options, variables))
    const interfaces = yield* chosen(found, namesOf(options.interfaces))
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
    for (const problem of found.problems) yield* Console.error(`Skipped: ${problem}`)
  })
).pipe(
  Command.withDescription(
    "Show each interface of this container: its socket, who creates it and whether it exists, role, addresses"
  )
)
