/**
 * The records on disk: `<stateDir>/attachments/<handle>.json`. Making one is how an ADD claims its attachment and its
 * handle, atomically and without a lock: the whole file is written beside and linked to its name, which only one can do.
 * It is a memory, not the truth: the mark on the switch is. Also reads the state files that the original plugin left.
 */
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import { type FileError, Files, orElse } from "../platform/Files.ts"
import { ensure, removeUnused } from "../shared-dir/Directories.ts"
import { type Attachment, keyOf, longHandle, plainHandle } from "./Attachment.ts"
import { type Legacy, readLegacy } from "./Legacy.ts"
import { Record } from "./Record.ts"
import { fromFile, RecordError } from "./RecordError.ts"

type Done<A = void> = Effect.Effect<A, RecordError>

export class Records extends Context.Service<
  Records,
  {
    /** Writes the record that `make` gives for a free handle. Fails when this attachment has one already. */
    readonly claim: (attachment: Attachment, make: (handle: string) => Record) => Done<Record>
    /** Returns when the record is on disk, for which nobody has to wait idly: before the first change is soon enough. */
    readonly keep: (record: Record) => Done
    /** The attachment's record; one that cannot be read is as good as none. */
    readonly find: (attachment: Attachment) => Done<Record | undefined>
    /** Removes the record, and what a killed `claim` left. `invocation`: only if that ADD wrote it. */
    readonly remove: (attachment: Attachment, invocation?: string) => Done
    readonly findLegacy: (attachment: Attachment) => Done<Legacy | undefined>
    readonly removeLegacy: (attachment: Attachment) => Done
  }
>()("userspace-cni/Records") {
  static readonly layer = (stateDir: string) =>
    Layer.effect(
      Records,
      Effect.suspend(() => make(stateDir))
    )
}

/** Every field is JSON as it stands: an encoder would only take its time. */
const toJson = (record: Record): string => JSON.stringify(record)
const fromJson = Schema.decodeUnknownResult(Schema.fromJsonString(Record))
const limit = 1 << 20

const make = Effect.fnUntraced(function* (stateDir: string) {
  const files = yield* Files
  const directory = join(stateDir, "attachments")
  const fresh = join(directory, "new")
  const pathOf = (handle: string) => join(directory, `${handle}.json`)
  const handles = (attachment: Attachment) => [plainHandle(attachment), longHandle(attachment)]

  const read = (handle: string): Effect.Effect<Record | undefined, FileError> =>
    files.read(pathOf(handle), limit).pipe(
      orElse(["ENOENT", "ENOTDIR"], undefined),
      Effect.map((text) => (text === undefined ? undefined : Result.getOrUndefined(fromJson(text))))
    )

  const find = Effect.fn("Records.find")(
    function* (attachment: Attachment) {
      for (const handle of handles(attachment)) {
        const record = yield* read(handle)
        if (record !== undefined && keyOf(record) === keyOf(attachment)) return record
      }
      return undefined
    },
    Effect.mapError(fromFile("read the record"))
  )

  const claimOnce = Effect.fnUntraced(function* (attachment: Attachment, makeRecord: (handle: string) => Record) {
    yield* ensure(files, fresh, 0o700)
    // Who had the plain handle when this attachment was added may be gone by now, and the handle free.
    const earlier = yield* read(longHandle(attachment))
    if (earlier !== undefined && keyOf(earlier) === keyOf(attachment)) return yield* alreadyAttached(earlier)
    for (const handle of handles(attachment)) {
      const record = makeRecord(handle)
      const beside = join(fresh, `${keyOf(attachment)}-${record.invocation}`)
      yield* files.create(beside, toJson(record), 0o600)
      const claimed = yield* files
        .link(beside, pathOf(handle))
        .pipe(Effect.as(true), orElse("EEXIST", false), Effect.ensuring(Effect.ignore(files.unlink(beside))))
      if (!claimed) {
        const other = yield* read(handle)
        if (other !== undefined && keyOf(other) === keyOf(attachment)) return yield* alreadyAttached(other)
        continue
      }
      return record
    }
    return yield* new RecordError({
      operation: "write the record",
      path: pathOf(longHandle(attachment)),
      answer: "a file of that name is there and is no record of this attachment",
      cure: "Remove that file.",
      code: ErrorCodes.IoFailure
    })
  })

  const claim = Effect.fn("Records.claim")(function* (attachment: Attachment, makeRecord: (handle: string) => Record) {
    return yield* claimOnce(attachment, makeRecord).pipe(
      // Somebody removed the last record, and the directory with it, in between.
      Effect.retry({ times: 20, while: (error) => error._tag === "FileError" && error.code === "ENOENT" }),
      Effect.catchTag("FileError", (error) => Effect.fail(fromFile("write the record")(error)))
    )
  })

  const keep = Effect.fn("Records.keep")(
    function* ({ handle }: Record) {
      yield* files.sync(pathOf(handle))
      yield* files.sync(directory)
    },
    Effect.mapError(fromFile("write the record"))
  )

  const remove = Effect.fn("Records.remove")(
    function* (attachment: Attachment, invocation?: string) {
      const key = keyOf(attachment)
      for (const handle of handles(attachment)) {
        const record = yield* read(handle)
        // One that cannot be read is what a power cut left of a claim, before it had come to `keep`.
        if (record === undefined ? invocation !== undefined : keyOf(record) !== key) continue
        if (invocation !== undefined && record?.invocation !== invocation) continue
        yield* orElse("ENOENT", undefined)(files.unlink(pathOf(handle)))
      }
      for (const name of yield* orElse(["ENOENT", "ENOTDIR"], [])(files.list(fresh))) {
        if (!name.startsWith(`${key}-`) || (invocation !== undefined && !name.endsWith(invocation))) continue
        yield* orElse("ENOENT", undefined)(files.unlink(join(fresh, name)))
      }
      // Ours by name: a call that was killed may not have come to marking them.
      yield* removeUnused(files, fresh, [fresh, directory])
    },
    Effect.mapError(fromFile("remove the record"))
  )

  const legacyPath = (attachment: Attachment) => join(stateDir, "data", `local-${plainHandle(attachment)}.json`)

  const findLegacy = Effect.fn("Records.findLegacy")(
    function* (attachment: Attachment) {
      const text = yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.read(legacyPath(attachment), limit))
      return text === undefined ? undefined : readLegacy(text)
    },
    Effect.mapError(fromFile("read the original plugin's state"))
  )

  const removeLegacy = Effect.fn("Records.removeLegacy")(
    function* (attachment: Attachment) {
      yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.unlink(legacyPath(attachment)))
    },
    Effect.mapError(fromFile("remove the original plugin's state"))
  )

  return Records.of({ claim, keep, find, remove, findLegacy, removeLegacy })
})

const alreadyAttached = (record: Record) =>
  new RecordError({
    operation: "add",
    path: `${record.network}/${record.containerId}/${record.ifName}`,
    answer: `this attachment has been there since ${record.since}`,
    cure: "Run DEL for it first. Its port and addresses were left as they are.",
    code: ErrorCodes.AlreadyAttached
  })
