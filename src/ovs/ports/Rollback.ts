/** Takes back what one ADD committed, found by its invocation, whatever is known about how far it came. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { OvsClient } from "../client/OvsClient.ts"
import { OvsDeadlines } from "../client/OvsDeadlines.ts"
import type { PortPlan } from "../client/PortPlan.ts"
import type { Reason } from "../wire/OvsdbError.ts"

/**
 * Never fails: the error that made it necessary is the one to report. What could not be taken back carries our mark,
 * so the DEL that a runtime sends after a failed ADD finds it.
 */
export const withdraw = Effect.fnUntraced(function* (client: OvsClient["Service"], plan: PortPlan) {
  const deadlines = yield* OvsDeadlines
  yield* client.portsMarked(plan.invocationMark).pipe(
    Effect.flatMap(client.removePorts),
    // The server may be in the middle of a restart: that is how the connection was lost.
    Effect.retry({ while: ({ reason }) => lost.has(reason._tag), schedule: Schedule.spaced("50 millis") }),
    Effect.timeout(deadlines.withdraw),
    Effect.catchCause((cause) => Effect.logWarning(`could not roll back port ${plan.name}`, cause))
  )
})

const lost: ReadonlySet<Reason["_tag"]> = new Set(["Unreachable", "ConnectionLost"])
