/**
 * A socket that Open vSwitch made on another file system, where a hard link cannot reach: bound over an empty file.
 * The only mount that the plugin makes, only in server mode. It does not leave the mount namespace of a containerised
 * caller (Multus' thick plugin): there, sharedDir has to be on the file system of the switch's run directory.
 */
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import { type Files, orElse } from "../platform/Files.ts"
import type { Processes, Run } from "../platform/Processes.ts"
import { fromFile, SharedDirError } from "./SharedDirError.ts"

const failed = (operation: string, path: string, answer: string) =>
  new SharedDirError({
    operation,
    path,
    answer,
    cure: "Put sharedDir on the file system of the switch's run directory, or set host.vhost.mode to client.",
    code: ErrorCodes.IoFailure
  })

const run = Effect.fnUntraced(function* (
  processes: Processes["Service"],
  program: string,
  args: ReadonlyArray<string>,
  path: string
) {
  const wanted: Run = { program, args, env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, stdin: "", limit: 4096 }
  const ended = yield* Effect.mapError(processes.run(wanted), ({ code }) => failed(program, path, code))
  if (ended.status !== 0) return yield* failed(program, path, ended.stderr.trim() || `exit status ${ended.status}`)
})

export const bind = Effect.fnUntraced(function* (
  files: Files["Service"],
  processes: Processes["Service"],
  from: string,
  to: string
) {
  yield* Effect.mapError(files.create(to, "", 0o600), fromFile("publish the socket as"))
  yield* run(processes, "mount", ["--bind", from, to], to).pipe(Effect.tapError(() => Effect.ignore(files.unlink(to))))
})

/** Removes a socket's name; a bound socket is busy, and comes off first. Gone already is no failure. */
export const removeSocket = (files: Files["Service"], processes: Processes["Service"], path: string) => {
  const remove = orElse(["ENOENT", "ENOTDIR", "EISDIR"], undefined)(files.unlink(path))
  return remove.pipe(
    Effect.mapError(fromFile("remove")),
    Effect.catchIf(
      ({ answer }) => answer === "EBUSY",
      () => Effect.andThen(run(processes, "umount", [path], path), Effect.mapError(remove, fromFile("remove")))
    )
  )
}
