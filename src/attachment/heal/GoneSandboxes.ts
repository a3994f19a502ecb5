/**
 * Recorded attachments whose sandbox has gone since the last look. No switch sends an event for that. Asks no switch: it reads
 * the records, and looks for each network namespace.
 */
import * as Effect from "effect/Effect"
import { Namespaces } from "../../platform/Namespaces.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { idOf } from "./Decide.ts"

interface Seen {
  readonly recorded: ReadonlyArray<Record>
  /** Those whose sandbox was not gone at the last look. */
  readonly gone: ReadonlyArray<Record>
}

/** Each run is one look. What cannot be read is left to the next one. */
export const goneSandboxes = Effect.sync(() => {
  let known: ReadonlySet<string> = new Set()
  return Effect.gen(function* () {
    const { judge } = yield* Namespaces
    const { all } = yield* Records
    const recorded = yield* Effect.orElseSucceed(all, (): ReadonlyArray<Record> => [])
    const gone = yield* Effect.filter(recorded, ({ netns }) => Effect.map(judge(netns), (kind) => kind === "missing"))
    const anew = gone.filter((record) => !known.has(idOf(record)))
    known = new Set(gone.map(idOf))
    return { recorded, gone: anew } satisfies Seen
  })
})
