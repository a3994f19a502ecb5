/** All records of a node, for `Records`, and those that are damaged. Other files are ignored. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { handlesOf, keyOf } from "../../identity/Attachment.ts"
import { type Files, orElse } from "../../platform/Files.ts"
import type { Record } from "./Record.ts"
import { fromFile, notRead, type RecordError } from "./RecordError.ts"
import { parseRecord, recordLimit } from "./RecordFormat.ts"

export interface Damaged {
  readonly handle: string
  readonly error: RecordError
}

export const make = (files: Files["Service"], directory: string) => {
  const names = (path: string) => orElse<ReadonlyArray<string>>(["ENOENT", "ENOTDIR"], [])(files.list(path))
  /** Undefined: it was removed meanwhile, or is not a regular file. */
  const text = (path: string) =>
    orElse(["ENOENT", "EISDIR", "EINVAL", "ELOOP", "EFBIG"], undefined)(files.read(path, recordLimit))
  const record = (path: string) =>
    Effect.map(text(path), (found) => (found === undefined ? undefined : parseRecord(found)))

  const pathOf = (handle: string) => join(directory, `${handle}.json`)
  const handles = Effect.map(names(directory), (all) =>
    all.flatMap((name) => /^(.+)\.json$/.exec(name)?.slice(1) ?? [])
  )

  /** A name that does not match the content is a copy made by hand. */
  const all = Effect.gen(function* () {
    const found = new Map<string, Record>()
    for (const handle of yield* handles) {
      const one = yield* record(pathOf(handle))
      if (one === undefined) continue
      const [first, ...others] = handlesOf(one)
      if (handle === first || (others.includes(handle) && !found.has(keyOf(one)))) found.set(keyOf(one), one)
    }
    return [...found.values()]
  })

  /** Truncated or overwritten: a record is linked to its name only when it is complete. */
  const damaged = Effect.gen(function* () {
    const found: Array<Damaged> = []
    for (const handle of yield* handles) {
      const path = pathOf(handle)
      const written = yield* text(path)
      if (written !== undefined && parseRecord(written) === undefined) found.push({ handle, error: notRead(path) })
    }
    return found
  })

  const setAside = Effect.fnUntraced(
    function* (handle: string) {
      const path = pathOf(handle)
      const written = yield* text(path)
      if (written === undefined || parseRecord(written) !== undefined) return undefined
      const aside = join(directory, freeName(`${handle}.damaged`, yield* names(directory)))
      yield* files.rename(path, aside)
      if ((yield* record(aside)) === undefined) return aside
      // Since the inspection, a DEL has removed it and an ADD has claimed the name.
      yield* files.link(aside, path)
      yield* files.unlink(aside)
      return undefined
    },
    Effect.mapError(fromFile("set the damaged record aside"))
  )

  const readRecords = Effect.mapError(fromFile("read the records"))
  return {
    all: all.pipe(readRecords, Effect.withSpan("Records.all")),
    damaged: damaged.pipe(readRecords, Effect.withSpan("Records.damaged")),
    setAside
  }
}

const freeName = (name: string, taken: ReadonlyArray<string>): string => {
  let free = name
  for (let n = 1; taken.includes(free); n++) free = `${name}.${n}`
  return free
}
