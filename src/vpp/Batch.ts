/**
 * Several changes to one port in one write: one trip instead of many, and nothing of another client in between. VPP does
 * all of them even when one is refused; the caller undoes.
 */
import * as Effect from "effect/Effect"
import type { Request, Retval } from "./Message.ts"
import { type Ask, ask, type Session } from "./Session.ts"
import { Refused, VppError } from "./VppError.ts"

export interface Step {
  readonly ask: Ask<Retval>
  /** Numbers with which VPP may refuse, because what is asked for is so already, or cannot be had and need not be. */
  readonly tolerated: ReadonlyArray<number> | "any"
}

export const step = <A, R extends Retval>(
  message: Request<A, R>,
  values: A,
  tolerated: Step["tolerated"] = []
): Step => ({ ask: ask(message, values), tolerated })

/** Fails with the first refusal that is not tolerated. */
export const run = Effect.fnUntraced(function* (
  session: Session,
  steps: ReadonlyArray<Step>
): Effect.fn.Return<ReadonlyArray<Retval>, VppError> {
  if (steps.length === 0) return []
  const answers = yield* session.together(steps.map(({ ask }) => ask))
  for (const [n, { retval }] of answers.entries()) {
    const step = steps[n]
    if (retval === 0 || step === undefined || tolerates(step, retval)) continue
    return yield* new VppError({ peer: session.peer, reason: new Refused({ name: step.ask.request.name, retval }) })
  }
  return answers
})

const tolerates = ({ tolerated }: Step, retval: number) => tolerated === "any" || tolerated.includes(retval)
