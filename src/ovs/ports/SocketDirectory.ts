/**
 * The directory of a port's socket. Open vSwitch does not report a missing directory, and reports `Unknown error -1`
 * when a file is in the way, so the plugin checks.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../../cni/spec/CniError.ts"
import type { FileKind } from "../../platform/FileOperations.ts"
import { type FileError, type Files, leadsTo } from "../../platform/Files.ts"
import type { Sockets } from "../../platform/Sockets.ts"
import type { PortError } from "../../vswitch/VswitchError.ts"
import { OvsDeadlines } from "../client/OvsDeadlines.ts"
import type { PortPlan } from "../client/PortPlan.ts"

export interface SocketDirectory {
  /** Why the planned socket cannot be in its directory. */
  readonly directoryProblem: (plan: Pick<PortPlan, "socket">) => Effect.Effect<PortError | undefined>
  /** What is in the way of the socket that ovs-vswitchd must create (server mode). */
  readonly serverProblem: (plan: Pick<PortPlan, "socket" | "type">) => Effect.Effect<PortError | undefined>
  /** Why the socket of a created port is not at its path (server mode). */
  readonly madeProblem: (plan: Pick<PortPlan, "socket" | "type">) => Effect.Effect<PortError | undefined>
  /** Whether the container's socket is no longer ovs-vswitchd's, which has restarted since. */
  readonly stale: (plan: Pick<PortPlan, "socket" | "type">, published: string) => Effect.Effect<boolean>
  /** Removes `path` if it is a socket without a listener. Returns whether it did. */
  readonly clear: (path: string) => Effect.Effect<boolean, FileError>
}

export const make = (files: Files["Service"], sockets: Sockets["Service"]): SocketDirectory => ({
  directoryProblem: ({ socket }) =>
    look(
      Effect.map(kindOf(files, dirname(socket)), (kind) =>
        kind === "directory"
          ? undefined
          : refusal(
              `directory ${dirname(socket)} of socket ${socket} does not exist`,
              "Create it before adding the port."
            )
      )
    ),

  // A socket is no problem: it is ovs-vswitchd's own and about to be removed, or a stale one that `clear` removes.
  serverProblem: ({ socket, type }) =>
    type === "dpdkvhostuserclient"
      ? Effect.succeed(undefined)
      : look(
          Effect.map(files.lstat(socket), (found) =>
            found === undefined || found.kind === "socket"
              ? undefined
              : refusal(
                  `a ${found.kind} exists at ${socket}, where ovs-vswitchd has to create its socket`,
                  "Check who created it, and remove it."
                )
          )
        ),

  madeProblem: ({ socket, type }) =>
    type === "dpdkvhostuserclient"
      ? Effect.succeed(undefined)
      : look(
          Effect.map(files.lstat(socket), (found) =>
            found?.kind === "socket"
              ? undefined
              : refusal(
                  `ovs-vswitchd created its socket, but not at ${socket}`,
                  "Set OVS_SOCKDIR, in the environment of the plugin, to the directory in which ovs-vswitchd creates its sockets (other_config:vhost-sock-dir), and mount it for the plugin."
                )
          )
        ),

  // A missing socket is reported with the shared directory or with the port.
  stale: ({ socket, type }, published) =>
    type === "dpdkvhostuserclient"
      ? Effect.succeed(false)
      : Effect.all([files.lstat(socket), files.lstat(published)]).pipe(
          Effect.map(
            ([own, theirs]) =>
              own !== undefined && theirs !== undefined && (own.ino !== theirs.ino || own.dev !== theirs.dev)
          ),
          Effect.orElseSucceed(() => false)
        ),

  clear: Effect.fnUntraced(function* (path) {
    const found = yield* files.lstat(path)
    if (found?.kind !== "socket") return false
    const { connect } = yield* OvsDeadlines
    const heard = yield* sockets.connect(path).pipe(
      Effect.scoped,
      Effect.as("accepted"),
      Effect.catch(({ code }) => Effect.succeed(code)),
      Effect.timeoutOrElse({ duration: connect, orElse: () => Effect.succeed("silent") })
    )
    if (heard !== "ECONNREFUSED") return false
    yield* files.unlink(path)
    return true
  })
})

/**
 * Returns the kind of the target of a link: long directories are reached through a short link, and a hostPath volume
 * may be an administrator's link.
 */
const kindOf = Effect.fnUntraced(function* (
  files: Files["Service"],
  path: string,
  links = 40
): Effect.fn.Return<FileKind | undefined, FileError> {
  const found = yield* files.lstat(path)
  if (found?.kind !== "symlink" || links === 0) return found?.kind
  return yield* kindOf(files, leadsTo(path, yield* files.readLink(path)), links - 1)
})

const look = (self: Effect.Effect<PortError | undefined, FileError>): Effect.Effect<PortError | undefined> =>
  Effect.catch(self, ({ message }) =>
    Effect.succeed(refusal(message, "Mount the directory of the socket for the plugin."))
  )

const refusal = (answer: string, cure: string): PortError => ({ code: ErrorCodes.SocketPath, answer, cure })
