/**
 * {@link Files} that records instead of changing. Changes are applied in memory, over a copy of the real files, so they
 * fail for the same reasons. What memory cannot know is read from the system: whether a file system is read-only, and
 * whether two names are on the same one.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { FileError, Files, orElse } from "../../platform/Files.ts"
import type { FileChange, PlanRecorder } from "../plan/Plan.ts"
import type { Overlay } from "./Overlay.ts"

type Done<A = void> = Effect.Effect<A, FileError>

export const make = (real: Files["Service"], overlay: Overlay, recorder: PlanRecorder): Files["Service"] => {
  const { planned, state } = overlay

  const writable = Effect.fnUntraced(function* (operation: string, path: string) {
    const directory = dirname(path)
    if (state.get(directory) === undefined || overlay.isDecided(directory)) return
    // The real call has root's permissions, and space may be free by then.
    const readOnly = real.writable(directory).pipe(Effect.as(false), orElse("EROFS", true))
    if (yield* Effect.orElseSucceed(readOnly, () => false)) {
      return yield* new FileError({ operation, path, code: "EROFS" })
    }
  })

  /** Applies the change in memory, and records it if it succeeds. */
  const plan = Effect.fnUntraced(function* (
    path: string,
    doing: Done,
    { from, ...change }: Omit<FileChange, "kind" | "path">
  ) {
    yield* overlay.see(path)
    yield* writable(change.do, path)
    yield* doing
    overlay.decide(path)
    if (change.do === "rename") overlay.decide(from ?? path)
    if (change.do === "link") overlay.decide(from ?? path, "itself")
    yield* recorder.record({ kind: "file", path, ...(from === undefined ? {} : { from }), ...change })
  })

  /** Reads the planned file if there is one, and otherwise the real one. */
  const look = <A>(path: string, ask: (files: Files["Service"]) => Done<A>): Done<A> =>
    Effect.suspend(() =>
      overlay.isDecided(path) ? Effect.andThen(overlay.see(dirname(path)), ask(planned)) : ask(real)
    )

  /** A renamed file keeps its content. */
  const takeText = Effect.fnUntraced(function* (path: string) {
    yield* overlay.seeInside(path)
    const node = state.get(path)
    if (node?.kind !== "file" || overlay.isDecided(path)) return
    const content = yield* orElse(["EACCES", "EFBIG"], "")(real.read(path, 1 << 20))
    state.set(path, { ...node, content })
  })

  return Files.of({
    pin: real.pin,
    hold: (path) => Effect.andThen(overlay.see(path), planned.hold(path)),
    lstat: Effect.fnUntraced(function* (path) {
      const status = yield* look(path, (files) => files.lstat(path))
      const dev = yield* overlay.isDecided(path) ? overlay.deviceOf(dirname(path)) : Effect.undefined
      return status === undefined || dev === undefined ? status : { ...status, dev }
    }),
    read: (path, limit) => look(path, (files) => files.read(path, limit)),
    readLink: (path) => look(path, (files) => files.readLink(path)),
    writable: (path) => Effect.andThen(overlay.see(path), planned.writable(path)),
    list: (path) => Effect.andThen(overlay.seeInside(path), planned.list(path)),
    sync: (path) => Effect.andThen(overlay.see(path), planned.sync(path)),
    makeDirectory: (path, mode) =>
      plan(path, planned.makeDirectory(path, mode), { do: "make directory", mode: octal(mode) }),
    removeDirectory: Effect.fnUntraced(function* (path) {
      yield* overlay.seeInside(path)
      const busy = Effect.fail(new FileError({ operation: "remove directory", path, code: "EBUSY" }))
      const removing = (yield* overlay.isMount(path)) ? busy : planned.removeDirectory(path)
      yield* plan(path, removing, { do: "remove directory" })
    }),
    create: (path, content, mode, gid) =>
      plan(path, planned.create(path, content, mode, gid), {
        do: "create",
        mode: octal(mode),
        bytes: Buffer.byteLength(content),
        ...(gid === undefined ? {} : { gid })
      }),
    symlink: (target, path) => plan(path, planned.symlink(target, path), { do: "symlink", from: target }),
    link: Effect.fnUntraced(function* (from, to) {
      yield* takeText(from)
      yield* overlay.see(to)
      const [here, there] = [yield* overlay.deviceOf(dirname(from)), yield* overlay.deviceOf(dirname(to))]
      const crossing = Effect.fail(new FileError({ operation: "link", path: to, code: "EXDEV" }))
      yield* plan(to, here === there ? planned.link(from, to) : crossing, { do: "link", from })
    }),
    rename: (from, to) => Effect.andThen(takeText(from), plan(to, planned.rename(from, to), { do: "rename", from })),
    unlink: Effect.fnUntraced(function* (path) {
      const busy = Effect.fail(new FileError({ operation: "remove", path, code: "EBUSY" }))
      yield* plan(path, (yield* overlay.isMount(path)) ? busy : planned.unlink(path), { do: "remove" })
    }),
    change: Effect.fnUntraced(function* (path, kind, { gid, mode }) {
      yield* overlay.see(path)
      yield* planned.change(path, kind, { gid, mode })
      overlay.decide(path, "itself")
      yield* recorder.record({
        kind: "file",
        do: "set owner and mode",
        path,
        ...(mode === undefined ? {} : { mode: octal(mode) }),
        ...(gid === undefined ? {} : { gid })
      })
    })
  })
}

/** In the notation of chmod(1): `0600`, `2770`. */
const octal = (mode: number): string => mode.toString(8).padStart(4, "0")
