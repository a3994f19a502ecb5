/**
 * Bind mount of a socket of Open vSwitch over an empty file on another file system, where a hard link is not possible.
 * A container can replace the file by a link, which mount(8) would follow, so programs get the open file. This is the
 * plugin's only mount, in server mode only. It does not leave the mount namespace of a containerised caller (Multus'
 * thick plugin): there, sharedDir must be on the file system of the switch's run directory.
 */
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../cni/types/CniError.ts"
import type { Files } from "../platform/Files.ts"
import type { Processes, Run } from "../platform/Processes.ts"
import { fromFile, SharedDirError } from "./Directories.ts"

const failed = (operation: string, path: string, answer: string) =>
  new SharedDirError({
    operation: `${operation} ${path}`,
    answer,
    cure: "Put sharedDir on the file system of the switch's run directory, or set host.vhost.mode to client.",
    code: ErrorCodes.IoFailure
  })

/** The newer system calls of mount(8) do not resolve a name in /proc/PID/fd. */
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LIBMOUNT_FORCE_MOUNT2: "always" }

/** Does not canonicalize paths, and writes no mount table. */
const asItIs = ["-n", "-c"]

const run = Effect.fnUntraced(function* (
  processes: Processes["Service"],
  program: string,
  args: ReadonlyArray<string>,
  path: string
) {
  const wanted: Run = { program, args, env, stdin: "", limit: 4096 }
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
  yield* files.hold(to).pipe(
    Effect.mapError(fromFile("publish the socket as")),
    Effect.flatMap((held) => run(processes, "mount", [...asItIs, "--bind", from, held], to)),
    Effect.scoped,
    Effect.tapError(() => Effect.ignore(files.unlink(to)))
  )
})

/** Unmounts lazily, because a file that is held open is busy. */
export const unbind = (files: Files["Service"], processes: Processes["Service"], path: string) =>
  files.hold(path).pipe(
    Effect.mapError(fromFile("unmount")),
    Effect.flatMap((held) => run(processes, "umount", [...asItIs, "-l", held], path)),
    Effect.scoped
  )
