/**
 * Attachments whose process may have ended their switch: a file each in `suspects` beside the records, named by the key.
 * The agent writes them; its DEL, or a restore by name, removes the file of an attachment. They are kept over a restart of
 * the agent. A file of an earlier attachment of the same key counts as none.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { type Identity, keyOf } from "../../identity/Attachment.ts"
import { Files, orElse } from "../../platform/Files.ts"
import { listOf, objectOf, parsed } from "../../platform/text/Json.ts"
import { into, marker, removeUnused } from "../../shared-dir/Directories.ts"
import type { Record } from "./Record.ts"
import { fromFile } from "./RecordError.ts"
import { Records, removeSuspect, suspectsIn, unfinished } from "./Records.ts"

export interface Suspect {
  /** UUID of the ADD. */
  readonly invocation: string
  /** When it was suspected last, in milliseconds since 1970. */
  readonly last: number
  /** The ends of the switch that are attributed to it, in milliseconds since 1970. */
  readonly ends: ReadonlyArray<number>
  /** Its port is left away until an administrator restores it. */
  readonly isolated: boolean
}

/** By key. */
export type Suspects = ReadonlyMap<string, Suspect>

const limit = 4096

const parse = (text: string): Suspect | undefined => {
  const { ends, invocation, isolated, last } = objectOf(parsed(text))
  if (typeof invocation !== "string" || typeof last !== "number") return undefined
  const times = listOf(ends).flatMap((one) => (typeof one === "number" ? [one] : []))
  return { invocation, last, ends: times, isolated: isolated === true }
}

const at = Effect.map(Effect.all({ files: Files, records: Records }), ({ files, records: { stateDir } }) => ({
  files,
  directory: suspectsIn(stateDir)
}))

const namesIn = (files: Files["Service"], directory: string) =>
  Effect.orElseSucceed(files.list(directory), (): ReadonlyArray<string> => [])

/** Most nodes have none. What cannot be read is none. */
export const suspects = Effect.gen(function* () {
  const { directory, files } = yield* at
  const found = new Map<string, Suspect>()
  for (const name of yield* namesIn(files, directory)) {
    if (name.startsWith(unfinished(""))) continue
    const one = parse(yield* Effect.orElseSucceed(files.read(join(directory, name), limit), () => ""))
    if (one !== undefined) found.set(name, one)
  }
  const all: Suspects = found
  return all
})

export const suspectOf = (all: Suspects, record: Identity & Pick<Record, "invocation">): Suspect | undefined => {
  const found = all.get(keyOf(record))
  return found?.invocation === record.invocation ? found : undefined
}

export const isIsolated = (all: Suspects, record: Identity & Pick<Record, "invocation">): boolean =>
  suspectOf(all, record)?.isolated === true

export const suspect = (one: Identity, of: Suspect) =>
  Effect.flatMap(at, ({ directory, files }) => {
    const beside = join(directory, unfinished(keyOf(one)))
    const removed = orElse("ENOENT", undefined)(files.unlink(beside))
    const fresh = Effect.andThen(removed, files.create(beside, JSON.stringify(of), 0o600))
    return into(files, directory, 0o700, fresh).pipe(
      Effect.andThen(files.rename(beside, join(directory, keyOf(one)))),
      Effect.onError(() => Effect.ignore(removed))
    )
  }).pipe(Effect.mapError(fromFile("note the suspect")))

/** Removes what an agent that was killed left of writing. For the start of an agent: nothing may be writing. */
export const sweepUnfinished = Effect.gen(function* () {
  const { directory, files } = yield* at
  const names = yield* namesIn(files, directory)
  const left = names.filter((name) => name.startsWith(unfinished("")) && name !== marker)
  for (const name of left) yield* Effect.ignore(files.unlink(join(directory, name)))
  if (left.length > 0) yield* Effect.ignore(removeUnused(files, directory, [directory]))
})

export const acquit = (key: string) =>
  Effect.flatMap(Effect.all({ files: Files, records: Records }), ({ files, records: { stateDir } }) =>
    Effect.mapError(removeSuspect(files, stateDir, key), fromFile("remove the suspect's file"))
  )
