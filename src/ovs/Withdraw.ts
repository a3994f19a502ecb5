/** Takes back what one ADD committed, found by its invocation, whatever is known about how far it came. */
import * as Effect from "effect/Effect"
import type { OvsClient } from "./OvsClient.ts"
import { OvsDeadlines } from "./OvsDeadlines.ts"
import type { PortPlan } from "./PortPlan.ts"

/**
 * Never fails: the error that made it necessary is the one to report. What could not be taken back carries our mark,
 * so the DEL that a runtime sends after a failed ADD finds it.
 */
export const withdraw = Effect.fn("OvsVswitch.withdraw")(function* (client: OvsClient["Service"], plan: PortPlan) {
  const deadlines = yield* OvsDeadlines
  yield* client.portsMarked(plan.invocationMark).pipe(
    Effect.flatMap(client.removePorts),
    Effect.timeout(deadlines.withdraw),
    Effect.catchCause((cause) => Effect.logWarning(`could not take back port ${plan.name}`, cause))
  )
})
