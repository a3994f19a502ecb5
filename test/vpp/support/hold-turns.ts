/**
 * Takes as many connection slots of a VPP as it can get, reports that, and waits to be killed. Arguments: name, count.
 */
import { Effect } from "effect"
import { Slots } from "../../../src/platform/Sockets.ts"
import * as NodeSlots from "../../platform/support/node/NodeSlots.ts"

const [, , name = "", count = "8"] = process.argv

const main = Effect.gen(function* () {
  const slots = yield* Slots
  for (let n = 0; n < Number(count); n++) yield* slots.hold(`${name}/${n}`)
  process.stdout.write("held\n")
  yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(NodeSlots.layer))

await Effect.runPromise(main)
