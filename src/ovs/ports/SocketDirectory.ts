/**
 * The directory of a port's socket. Open vSwitch does not report a missing directory, and reports `Unknown error -1`
 * when a file is in the way, so the plugin checks.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../../cni/spec/CniError.ts"
import type { FileKind } from "../../platform/FileCalls.ts"
import { type FileError, type Files, leadsTo } from "../../platform/Files.ts"
import type { Sockets } from "../../platform/Sockets.ts"
import type { PortError } from "../../vswitch/Vswitch.ts"
import type { PortPlan } from "../client/PortPlan.ts"
import { OvsDeadlines } from "../wire/JsonRpc.ts"

type Place = Pick<PortPlan, "socket" | "type">

export const make = (files: Files["Service"], sockets: Sockets["Service"]) => {
  /** In server mode ovs-vswitchd creates the socket. */
  const ofServer = <A, E>(plan: Place, none: A, self: Effect.Effect<A, E>) =>
    plan.type === "dpdkvhostuserclient" ? Effect.succeed(none) : self
  const judged = (plan: Place, problem: (kind: FileKind | undefined) => PortError | undefined) =>
    ofServer(plan, undefined, look(Effect.map(files.lstat(plan.socket), (found) => problem(found?.kind))))

  return {
    /** Why the planned socket cannot be in its directory. */
    directoryProblem: ({ socket }: Pick<PortPlan, "socket">) =>
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

    /**
     * What is in the way of the socket that ovs-vswitchd must create. A socket is no problem: it is ovs-vswitchd's own
     * and about to be removed, or a stale one that `clear` removes.
     */
    serverProblem: (plan: Place) =>
      judged(plan, (kind) =>
        kind === undefined || kind === "socket"
          ? undefined
          : refusal(
              `a ${kind} exists at ${plan.socket}, where ovs-vswitchd has to create its socket`,
              "Check who created it, and remove it."
            )
      ),

    /** Why the socket of a created port is not at its path. */
    madeProblem: (plan: Place) =>
      judged(plan, (kind) =>
        kind === "socket"
          ? undefined
          : refusal(
              `ovs-vswitchd created its socket, but not at ${plan.socket}`,
              "Set OVS_SOCKDIR, in the environment of the plugin, to the directory in which ovs-vswitchd creates its sockets (other_config:vhost-sock-dir), and mount it for the plugin."
            )
      ),

    /**
     * Whether the container's socket is no longer ovs-vswitchd's, which has restarted since. A missing socket is
     * reported with the shared directory or with the port.
     */
    stale: (plan: Place, published: string) =>
      ofServer(
        plan,
        false,
        Effect.all([files.lstat(plan.socket), files.lstat(published)]).pipe(
          Effect.map(
            ([own, theirs]) =>
              own !== undefined && theirs !== undefined && (own.ino !== theirs.ino || own.dev !== theirs.dev)
          ),
          Effect.orElseSucceed(() => false)
        )
      ),

    /** Removes `path` if it is a socket without a listener. Returns whether it did. */
    clear: Effect.fnUntraced(function* (path: string) {
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
  }
}

export type SocketDirectory = ReturnType<typeof make>

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
