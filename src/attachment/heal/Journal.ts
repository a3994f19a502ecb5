/** What of a round is worth a line in the log: what was done, and what is new since the round before. */
import * as Effect from "effect/Effect"
import { shortId } from "../../identity/Attachment.ts"
import type { Acted, Outcome } from "./Act.ts"
import type { Unusable } from "./Round.ts"

/** What was found at the last round. */
export type Told = Set<string>

export const logNew = Effect.fnUntraced(function* (told: Told, found: ReadonlyArray<Acted | Unusable>) {
  const now = new Set<string>()
  for (const one of found) {
    // A call came between the look and the deed: nothing was wrong.
    if (one.outcome._tag === "Passed") continue
    const line = `${nameOf(one)}: ${one.words}${said(one.outcome)}`
    now.add(line)
    if (told.has(line)) continue
    yield* one.outcome._tag === "Done" ? Effect.logInfo(line) : Effect.logWarning(line)
  }
  told.clear()
  for (const line of now) told.add(line)
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
