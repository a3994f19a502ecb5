/** Selects the lines of a round for the log: actions, and findings that are new since the round before. */
import * as Effect from "effect/Effect"
import { shortId } from "../../identity/Attachment.ts"
import type { Acted, Outcome } from "./Act.ts"
import type { Unusable } from "./Round.ts"

/** Earlier findings that still exist. */
export type Reported = Set<string>

/** `partial`: not everything was inspected. */
export const logNew = Effect.fnUntraced(function* (
  told: Reported,
  found: ReadonlyArray<Acted | Unusable>,
  partial = false
) {
  const before = new Set(told)
  if (!partial) told.clear()
  for (const one of found) {
    // A call changed it between inspection and action: nothing was wrong.
    if (one.outcome._tag === "Passed") continue
    const line = `${nameOf(one)}: ${one.words}${said(one.outcome)}`
    if (one.outcome._tag === "Done") {
      yield* Effect.logInfo(line)
      continue
    }
    told.add(line)
    if (!before.has(line)) yield* Effect.logWarning(line)
  }
})

const nameOf = (one: Acted | Unusable): string => {
  if ("handle" in one) return one.record === undefined ? `record ${one.handle}` : named(one.record)
  return named("record" in one.about ? one.about.record : one.about)
}

const named = (one: { readonly network: string; readonly containerId: string; readonly ifName: string }): string =>
  one.ifName === "" ? `container ${shortId(one)}` : `${one.ifName} of container ${shortId(one)}, network ${one.network}`

const said = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "Reported":
      return ""
    case "Failed":
      return `: ${outcome.error.msg} ${outcome.error.details}`
    default:
      return `; ${outcome.words}`
  }
}
