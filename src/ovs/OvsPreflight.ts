/**
 * Checks before any change, and of its outcome. Open vSwitch does not report problems of a socket: it retries forever
 * and only logs, does not report a missing directory, and reports `Unknown error -1` when a file is in the way. The
 * judgements of rows are pure; the directory of a socket is looked at.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type { HostPort, OvsVhostPort } from "../cni/network/HostPort.ts"
import { ErrorCodes } from "../cni/types/CniError.ts"
import { type FileError, type FileKind, type Files, leadsTo } from "../platform/Files.ts"
import { maximumPathBytes, pathBytes, type Sockets } from "../platform/Sockets.ts"
import { isShortLink } from "../shared-dir/SocketPaths.ts"
import type { PortError, VswitchError } from "../vswitch/Vswitch.ts"
import { OvsDeadlines } from "./client/JsonRpc.ts"
import type { Applied, Survey } from "./client/OvsClient.ts"
import { toError } from "./client/OvsdbError.ts"
import type { PortPlan } from "./client/PortPlan.ts"
import type { RootRow } from "./client/Transactions.ts"

export const ovsPort = (port: HostPort): Effect.Effect<OvsVhostPort, VswitchError> =>
  port.engine === "ovs-dpdk"
    ? Effect.succeed(port)
    : Effect.fail(
        toError("plug", {
          code: ErrorCodes.InvalidConfiguration,
          answer: `the port is for engine ${port.engine}`,
          cure: "Set host.engine to ovs-dpdk."
        })
      )

/** Returns the first reason why this port cannot work. */
export const preflight = (plan: PortPlan, survey: Survey): PortError | undefined =>
  standingProblem(plan, survey) ?? nameProblem(plan, survey) ?? socketProblem(plan, survey)

/** Returns the first reason why no port of such a network can work. */
export const standingProblem = (plan: PortPlan, survey: Survey): PortError | undefined =>
  switchProblem(plan, survey) ?? bridgeProblem(survey)

const switchProblem = ({ type }: PortPlan, { root }: Survey): PortError | undefined =>
  dpdkProblem(root) ??
  (root.iface_types.includes(type) ? undefined : dpdkMissing(`ovs-vswitchd does not support interface type ${type}`))

/** ovs-vswitchd's own report; empty before its first start. */
const dpdkProblem = ({ dpdk_initialized, iface_types }: RootRow): PortError | undefined =>
  iface_types.length === 0
    ? {
        code: ErrorCodes.TryAgainLater,
        answer: "ovs-vswitchd has not connected to the database yet",
        cure: "Start ovs-vswitchd on this node, then try again."
      }
    : dpdk_initialized
      ? undefined
      : dpdkMissing("DPDK is not initialized in ovs-vswitchd (dpdk_initialized is false)")

const dpdkMissing = (answer: string): PortError => ({
  code: ErrorCodes.DpdkMissing,
  answer,
  cure: "Run an ovs-vswitchd built with DPDK and vhost, set other_config:dpdk-init=true, restart it, and check its log for what DPDK lacks."
})

const bridgeProblem = ({ bridge }: Survey): PortError | undefined =>
  bridge === undefined || bridge.datapath_type === "netdev"
    ? undefined
    : {
        code: ErrorCodes.SwitchRefused,
        answer: `bridge ${bridge.name} exists with datapath_type "${bridge.datapath_type}", vhost-user ports need netdev`,
        cure: `Set another bridge in host.bridge.bridgeName, or create this one with datapath_type=netdev.`
      }

const nameProblem = ({ name }: PortPlan, { portByName, portsByMark }: Survey): PortError | undefined => {
  const [marked] = portsByMark
  return marked !== undefined
    ? {
        code: ErrorCodes.AlreadyAttached,
        answer: `port ${marked.name} of this attachment already exists`,
        cure: "DEL the attachment before adding it again. The port was not changed."
      }
    : portByName !== undefined
      ? {
          code: ErrorCodes.SwitchRefused,
          answer: `port ${name} exists without the plugin's mark`,
          cure: `Check who created it (\`ovs-vsctl list Port ${name}\`), and remove it.`
        }
      : undefined
}

const socketProblem = ({ socket, type }: PortPlan, { interfacesBySocket }: Survey): PortError | undefined => {
  const bytes = pathBytes(socket)
  const [other] = interfacesBySocket
  return bytes > maximumPathBytes
    ? {
        code: ErrorCodes.SocketPath,
        answer: `socket path ${socket} has ${bytes} bytes, a socket path may have ${maximumPathBytes}`,
        cure:
          type === "dpdkvhostuser"
            ? "Use a shorter OVS run directory (OVS_SOCKDIR)."
            : isShortLink(dirname(socket))
              ? "Use a shorter stateDir or socketfile: the short link to a long sharedDir is in stateDir."
              : "Use a shorter sharedDir."
      }
    : other !== undefined && type === "dpdkvhostuserclient"
      ? {
          code: ErrorCodes.SocketPath,
          answer: `port ${other.name} already uses the socket path ${socket}`,
          cure: "Set another host.vhost.socketfile, or leave it out: two ports cannot share a socket."
        }
      : undefined
}

export const vswitchdSilent = (millis: number): PortError => ({
  code: ErrorCodes.TryAgainLater,
  answer: `the database accepted the port, but ovs-vswitchd did not configure it within ${millis} ms; the port was removed again`,
  cure: "Check that ovs-vswitchd runs on this node, and check its log."
})

/**
 * The outcome of a committed port: ovs-vswitchd accepts every row and reports in other columns whether it could be
 * applied. Undefined: the port exists and works. ovs-vswitchd.conf.db(5), Interface: `error`, `ofport`; Bridge: `datapath_id`.
 */
export const failure = (plan: PortPlan, { bridge, interface: row }: Applied): PortError | undefined => {
  if (row === undefined || bridge === undefined) {
    return {
      code: ErrorCodes.TryAgainLater,
      answer: `the port was removed by another process while ovs-vswitchd created it`,
      cure: "Try again. If it persists, find what removes ports on this node."
    }
  }
  if (row.error !== undefined) return named(plan, row.error)
  if (bridge.datapath_id === undefined) {
    return {
      code: ErrorCodes.SwitchRefused,
      answer: `ovs-vswitchd could not create bridge ${plan.bridge}`,
      cure: "Check the log of ovs-vswitchd; often a network device already has the bridge's name."
    }
  }
  if (row.ofport === undefined || row.ofport < 0) {
    return {
      code: ErrorCodes.SwitchRefused,
      answer: `ovs-vswitchd assigned no port number (ofport ${row.ofport ?? "empty"}) and reported no error`,
      cure: "Check the log of ovs-vswitchd."
    }
  }
  return undefined
}

const named = (plan: PortPlan, error: string): PortError =>
  error.includes("Address family not supported")
    ? dpdkMissing(error)
    : error.includes("Unknown error -1") && plan.type === "dpdkvhostuser"
      ? {
          code: ErrorCodes.SocketPath,
          answer: `${error}: ovs-vswitchd could not create its socket ${plan.socket}`,
          cure: "Remove what is at that path, or set OVS_SOCKDIR to the directory that ovs-vswitchd uses."
        }
      : { code: ErrorCodes.SwitchRefused, answer: error, cure: "Check the log of ovs-vswitchd." }

type Place = Pick<PortPlan, "socket" | "type">

export const socketDirectory = (files: Files["Service"], sockets: Sockets["Service"]) => {
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

export type SocketDirectory = ReturnType<typeof socketDirectory>

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
