/**
 * Several changes to one port in one write: one round trip, without a request of another client in between. VPP runs
 * all of them even if one fails; the caller rolls back.
 */
import * as Effect from "effect/Effect"
import type { Request, Retval } from "../wire/Message.ts"
import { Refused, VppError } from "../wire/VppError.ts"
import { type Ask, ask, type Session } from "./Session.ts"

export interface Step<R extends Retval = Retval> {
  readonly ask: Ask<R>
  /** Error numbers that are accepted, because the state is already as requested, or the setting is optional. */
  readonly tolerated: ReadonlyArray<number> | "any"
}

export const step = <A, R extends Retval>(
  message: Request<A, R>,
  values: A,
  tolerated: Step["tolerated"] = []
): Step<R> => ({ ask: ask(message, values), tolerated })

/** Fails with the first error that is not accepted. */
export const run = Effect.fnUntraced(function* (
  session: Session,
  steps: ReadonlyArray<Step>
): Effect.fn.Return<ReadonlyArray<Retval>, VppError> {
  if (steps.length === 0) return []
  const answers = yield* session.together(steps.map(({ ask }) => ask))
  for (const [n, { retval }] of answers.entries()) {
    const step = steps[n]
    if (step !== undefined) yield* judge(session, step, retval)
  }
  return answers
})

/** Judges VPP's reply to one step. */
export const judge = ({ peer }: Session, { ask, tolerated }: Step, retval: number): Effect.Effect<void, VppError> =>
  retval === 0 || tolerated === "any" || tolerated.includes(retval)
    ? Effect.void
    : Effect.fail(new VppError({ peer, reason: new Refused({ name: ask.request.name, retval }) }))
