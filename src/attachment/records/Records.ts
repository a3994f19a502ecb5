/**
 * The records on disk: `<stateDir>/attachments/<handle>.json`. Creating one claims the attachment and its handle,
 * atomically and without a lock: the complete file is written under a hidden name and linked to its own, which only one
 * process can do, so that nobody reads half of it. Records are a cache: the mark on the switch decides.
 *
 * A record is read-only (0400, and 0500 after a DEL that failed) while its attachment is being added or removed, and
 * writable (0600) in between: restore skips read-only ones, and a release without this rule is not affected.
 */
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Attachment, handlesOf, type Identity, keyOf, longHandle, plainHandle } from "../../identity/Attachment.ts"
import { FileError, Files, orElse } from "../../platform/Files.ts"
import { ensure, removeUnused } from "../../shared-dir/Directories.ts"
import { ancestors } from "../../shared-dir/SocketPaths.ts"
import * as AllRecords from "./AllRecords.ts"
import type { Record } from "./Record.ts"
import { alreadyAttached, fromFile, inTheWay, type RecordError } from "./RecordError.ts"
import { parseRecord, recordLimit } from "./RecordFormat.ts"

type Done<A = void> = Effect.Effect<A, RecordError>

export class Records extends Context.Service<
  Records,
  {
    /** The plugin's state directory, which contains the records. */
    readonly stateDir: string
    /** Where they are, a file each. */
    readonly directory: string
    /** Writes the record that `make` returns for a free handle. Fails when this attachment already has one. */
    readonly claim: (attachment: Attachment, make: (handle: string) => Record) => Done<Record>
    /** Returns when the record is on disk. ADD only has to wait for it before its first change. */
    readonly keep: (record: Record) => Done
    /** Commits the record of a completed ADD, with what is known now. */
    readonly settle: (record: Record) => Done
    /** Marks the start of a DEL: its port must not be restored. A missing record is not a failure. */
    readonly unsettle: (record: Record) => Done
    /** Marks a failed DEL: its port must not be restored, but its ADD was complete. */
    readonly defer: (record: Record) => Done
    /** Returns whether the record's ADD succeeded, and no DEL of it was killed. For a record that was just read. */
    readonly completed: (record: Record) => Done<boolean>
    /** Returns whether the record is still this ADD's, and neither being added nor removed. */
    readonly settled: (record: Record) => Done<boolean>
    /** Returns the attachment's record; an unreadable one counts as none. */
    readonly find: (attachment: Attachment) => Done<Record | undefined>
    /** Returns whether another attachment has a record under the plain handle, and so the files of that name. */
    readonly hasNamesake: (attachment: Attachment) => Done<boolean>
    /** Returns every record that `find` would return, of all networks. */
    readonly all: Done<ReadonlyArray<Record>>
    /** Returns existing files that `find` ignores. */
    readonly damaged: Done<ReadonlyArray<AllRecords.Damaged>>
    /** Renames one of them, so that its name is free, and returns the path. Undefined: it is not damaged any more. */
    readonly setAside: (handle: string) => Done<string | undefined>
    /** Removes hidden files of killed claims, but not of these attachments. A running claim writes its file again. */
    readonly sweep: (but: ReadonlyArray<Identity>) => Done
    /** Fails when `claim` would fail to write, as far as can be checked. Changes nothing. */
    readonly writable: Done
    /**
     * Ends the record of an ADD that could not reach the switch and created nothing: `<handle>.undone`, which counts as
     * no record. With it, a DEL succeeds while the switch is down (docs/restarts.md explains why that is safe). The next
     * ADD of the attachment removes it before its first change.
     */
    readonly endUndone: (attachment: Attachment, invocation: string) => Done
    /** Returns whether the last ADD of exactly this attachment is known to have created nothing. */
    readonly undone: (attachment: Attachment) => Done<boolean>
    /** Removes the record, and unfinished files of a killed `claim`. `invocation`: only if that ADD wrote it. */
    readonly remove: (attachment: Attachment, invocation?: string) => Done
    /** Like `remove` without an invocation, when the switch is unreachable: what `endUndone` wrote stays. */
    readonly removeUnasked: (attachment: Attachment) => Done
  }
>()("userspace-cni/Records") {
  static readonly layer = (stateDir: string) =>
    Layer.effect(
      Records,
      Effect.suspend(() => make(stateDir))
    )
}

const absent = ["ENOENT", "ENOTDIR"]
/** Errors of a file that is not the plugin's. */
const odd = ["EISDIR", "EINVAL", "ELOOP", "EFBIG"]

const inTransit = 0o400
const whole = 0o600
/** Read-only as well, for every release; this release distinguishes it from `inTransit`. */
const deferred = 0o500

const make = Effect.fnUntraced(function* (stateDir: string) {
  const files = yield* Files
  const directory = join(stateDir, "attachments")
  const pathOf = (handle: string) => join(directory, `${handle}.json`)
  const undonePathOf = (handle: string) => join(directory, `${handle}${undoneEnd}`)
  const besideOf = (record: Record) => join(directory, `${hidden(record)}${record.invocation}`)

  /** Undefined: the file exists, and is no record. */
  const readThere = (path: string): Effect.Effect<Record | undefined, FileError> =>
    orElse(odd, undefined)(Effect.map(files.read(path, recordLimit), parseRecord))

  const read = (handle: string): Effect.Effect<Record | undefined, FileError> =>
    orElse(absent, undefined)(readThere(pathOf(handle)))

  const names = orElse<ReadonlyArray<string>>(absent, [])(files.list(directory))

  const unlinkAll = (all: ReadonlyArray<string>) =>
    Effect.forEach(all, (name) => orElse(absent, undefined)(files.unlink(join(directory, name))), { discard: true })

  const find = Effect.fnUntraced(
    function* (attachment: Attachment) {
      for (const handle of handlesOf(attachment)) {
        const record = yield* read(handle)
        if (record !== undefined && keyOf(record) === keyOf(attachment)) return record
      }
      return undefined
    },
    Effect.mapError(fromFile("read the record"))
  )

  const hasNamesake = (attachment: Attachment) =>
    read(plainHandle(attachment)).pipe(
      Effect.map((record) => record !== undefined && keyOf(record) !== keyOf(attachment)),
      Effect.mapError(fromFile("read the record"))
    )

  const writable = Effect.gen(function* () {
    for (const path of ancestors(directory)) {
      const there = yield* orElse("ENOTDIR", undefined)(files.lstat(path))
      if (there !== undefined) return yield* files.writable(path)
    }
  }).pipe(Effect.mapError(fromFile("write to")), Effect.withSpan("Records.writable"))

  const claimOnce = Effect.fnUntraced(function* (attachment: Attachment, makeRecord: (handle: string) => Record) {
    yield* ensure(files, directory, 0o755)
    // The owner of the plain handle may be gone since this attachment was added, so that the handle is free.
    const earlier = yield* read(longHandle(attachment))
    if (earlier !== undefined && keyOf(earlier) === keyOf(attachment)) return yield* alreadyAttached(earlier)
    for (const handle of handlesOf(attachment)) {
      const record = makeRecord(handle)
      const beside = besideOf(record)
      yield* files.create(beside, JSON.stringify(record), inTransit)
      const claimed = yield* files
        .link(beside, pathOf(handle))
        .pipe(Effect.as(true), orElse("EEXIST", false), Effect.ensuring(Effect.ignore(files.unlink(beside))))
      if (!claimed) {
        const other = yield* read(handle)
        if (other !== undefined && keyOf(other) === keyOf(attachment)) return yield* alreadyAttached(other)
        continue
      }
      // The attachment is this ADD's only now. Nothing may be created while the last one counts as undone.
      yield* Effect.tapError(forgetUndone(attachment), () => Effect.ignore(files.unlink(pathOf(handle))))
      return record
    }
    return yield* inTheWay(pathOf(longHandle(attachment)))
  })

  const claim = (attachment: Attachment, makeRecord: (handle: string) => Record) =>
    Effect.mapError(whileRemoved(claimOnce(attachment, makeRecord)), (error) =>
      error._tag === "FileError" ? fromFile("write the record")(error) : error
    )

  /** Both are synced at the same time, because a journal writes them together. */
  const keep = ({ handle }: Record) =>
    Effect.all([files.sync(pathOf(handle)), files.sync(directory)], { concurrency: "unbounded", discard: true }).pipe(
      Effect.mapError(fromFile("write the record"))
    )

  /** Rewritten if there is more to record. Not synced, because after a power cut there is no port to restore. */
  const settle = Effect.fnUntraced(
    function* (record: Record) {
      const path = pathOf(record.handle)
      yield* dropUndone
      if (record.addresses === undefined) return yield* files.change(path, "file", { mode: whole })
      if ((yield* read(record.handle))?.invocation !== record.invocation) {
        return yield* new FileError({ operation: "rename", path, code: "ENOENT" })
      }
      const beside = besideOf(record)
      const replace = Effect.tapError(files.rename(beside, path), () => Effect.ignore(files.unlink(beside)))
      yield* whileRemoved(Effect.andThen(files.create(beside, JSON.stringify(record), whole), replace))
    },
    Effect.mapError(fromFile("write the record"))
  )

  const marked =
    (mode: number) =>
    ({ handle }: Record) =>
      files
        .change(pathOf(handle), "file", { mode })
        .pipe(orElse(absent, undefined), Effect.mapError(fromFile("mark the record")))

  const hasMode = (handle: string, bits: number) =>
    Effect.map(files.lstat(pathOf(handle)), (there) => ((there?.mode ?? inTransit) & bits) !== 0)

  const settled = Effect.fnUntraced(
    function* ({ handle, invocation }: Record) {
      if ((yield* read(handle))?.invocation !== invocation) return false
      return yield* hasMode(handle, whole & ~inTransit)
    },
    Effect.mapError(fromFile("read the record"))
  )

  const completed = ({ handle }: Record) =>
    Effect.mapError(hasMode(handle, (whole | deferred) & ~inTransit), fromFile("read the record"))

  const isUndone = (attachment: Attachment) => (handle: string) =>
    Effect.map(
      orElse(absent, undefined)(readThere(undonePathOf(handle))),
      (record) => record !== undefined && keyOf(record) === keyOf(attachment)
    )

  const undone = Effect.fnUntraced(
    function* (attachment: Attachment) {
      const found = yield* Effect.filter(handlesOf(attachment), isUndone(attachment))
      const earlier = yield* orElse("ENOTDIR", undefined)(files.lstat(join(directory, earlierNote(attachment))))
      return found.length > 0 || earlier?.kind === "file"
    },
    Effect.mapError(fromFile("read the record"))
  )

  const forgetUndone = Effect.fnUntraced(function* (attachment: Attachment) {
    const found = yield* Effect.filter(handlesOf(attachment), isUndone(attachment))
    yield* unlinkAll([...found.map((handle) => `${handle}${undoneEnd}`), earlierNote(attachment)])
  })

  /** None is needed while the switch is reachable. A remaining one is still correct. */
  const dropUndone = Effect.gen(function* () {
    yield* unlinkAll((yield* names).filter((name) => name.endsWith(undoneEnd)))
    yield* dropEarlier(files, directory)
  }).pipe(Effect.ignore)

  const endUndone = Effect.fnUntraced(
    function* (attachment: Attachment, invocation: string) {
      const record = yield* find(attachment)
      if (record?.invocation === invocation) yield* files.rename(pathOf(record.handle), undonePathOf(record.handle))
    },
    Effect.mapError((error) =>
      error._tag === "FileError" ? fromFile("record that nothing was created")(error) : error
    )
  )

  /** The directory is ours by name: a killed call may not have marked it. */
  const tidy = removeUnused(files, directory, [directory])

  const removeWith = Effect.fnUntraced(
    function* (attachment: Attachment, invocation: string | undefined, isAsked: boolean) {
      const key = keyOf(attachment)
      // Before the record: what fails here is repeated with it.
      if (invocation === undefined) yield* removeSuspect(files, stateDir, key)
      for (const handle of handlesOf(attachment)) {
        // Skip a missing one: another call may claim the name before the removal.
        const record = yield* orElse(absent, "none" as const)(readThere(pathOf(handle)))
        // An unreadable file is what a power cut left of a claim before `keep`.
        if (record === "none") continue
        if (record === undefined ? invocation !== undefined : keyOf(record) !== key) continue
        if (invocation !== undefined && record?.invocation !== invocation) continue
        yield* orElse("ENOENT", undefined)(files.unlink(pathOf(handle)))
      }
      const unfinished = (yield* names).filter((name) => name.startsWith(hidden(attachment)))
      yield* unlinkAll(unfinished.filter((name) => name.endsWith(invocation ?? "")))
      if (invocation === undefined && isAsked) yield* dropUndone
      yield* tidy
    },
    Effect.mapError(fromFile("remove the record"))
  )

  const sweep = Effect.fnUntraced(
    function* (but: ReadonlyArray<Identity>) {
      const running = but.map(hidden)
      yield* unlinkAll((yield* names).filter((name) => isHidden(name) && !running.some((one) => name.startsWith(one))))
      yield* tidy
    },
    Effect.mapError(fromFile("remove unfinished records of killed calls"))
  )

  return Records.of({
    stateDir,
    directory,
    claim,
    keep,
    settle,
    unsettle: marked(inTransit),
    defer: marked(deferred),
    completed,
    settled,
    find,
    hasNamesake,
    ...AllRecords.make(files, directory),
    sweep,
    writable,
    endUndone,
    undone,
    remove: (attachment, invocation) => removeWith(attachment, invocation, true),
    removeUnasked: (attachment) => removeWith(attachment, undefined, false)
  })
})

export const suspectsIn = (stateDir: string): string => join(stateDir, "suspects")

/** Where the file of a suspect is written, before it takes its name. */
export const unfinished = (key: string): string => `.${key}`

/**
 * The file of a suspect (`Suspects.ts`) goes with its attachment, and so does what an agent that was killed left of
 * writing it. Without either it is a success.
 */
export const removeSuspect = (files: Files["Service"], stateDir: string, key: string) => {
  const directory = suspectsIn(stateDir)
  return Effect.gen(function* () {
    const names = yield* files.list(directory)
    for (const name of [key, unfinished(key)]) {
      if (names.includes(name)) yield* orElse("ENOENT", undefined)(files.unlink(join(directory, name)))
    }
    yield* removeUnused(files, directory, [directory])
  }).pipe(orElse(absent, undefined))
}

/** The end of the name of a record that `endUndone` ended. */
const undoneEnd = ".undone"

/** The beginning of the name under which a record is written before it is linked, or replaced, by one invocation. */
const hidden = (identity: Identity): string => `.${keyOf(identity)}.`

const isHidden = (name: string): boolean => /^\.[a-z2-7]{20}\./.test(name)

/** Another call removed the empty directory, or swept the hidden file, in between. */
const whileRemoved = <A, E>(self: Effect.Effect<A, E | FileError>, tries = 20): Effect.Effect<A, E | FileError> =>
  Effect.catchIf(
    self,
    (error) => tries > 1 && error instanceof FileError && error.code === "ENOENT",
    () => whileRemoved(self, tries - 1)
  )

/** Before 0.1.0, an ADD that created nothing left this empty file, and records were written in `new`. */
const earlierNote = (attachment: Attachment): string => `undone/${keyOf(attachment)}`

const dropEarlier = Effect.fnUntraced(function* (files: Files["Service"], attachments: string) {
  for (const directory of [join(attachments, "undone"), join(attachments, "new")]) {
    const names = yield* orElse<ReadonlyArray<string> | undefined>(absent, undefined)(files.list(directory))
    if (names === undefined) continue
    for (const name of names) yield* orElse("ENOENT", undefined)(files.unlink(join(directory, name)))
    yield* removeUnused(files, directory, [directory])
  }
})
