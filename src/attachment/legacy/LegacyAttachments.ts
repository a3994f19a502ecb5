/**
 * Attachments of the original plugin (intel/userspace-cni-network-plugin) and of its fork (fivetime/userspace-cni):
 * what DEL removes, and what CHECK compares. Found by a state file (`StateFiles.ts`) and on the switch.
 */
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../../cni/types/CniError.ts"
import { ContainerConfig } from "../../container-config/ContainerConfig.ts"
import { type Attachment, plainHandle, shortId } from "../../identity/Attachment.ts"
import { Files, orElse } from "../../platform/Files.ts"
import { Processes } from "../../platform/Processes.ts"
import { unbind } from "../../shared-dir/BindMount.ts"
import { fromFile } from "../../shared-dir/Directories.ts"
import type { Volume } from "../../shared-dir/SocketPaths.ts"
import { type LegacyFound, type LegacyPort, Vswitch, VswitchError } from "../../vswitch/Vswitch.ts"
import { type Call, macOf, socketPathsFor } from "../Call.ts"
import { Records } from "../records/Records.ts"
import * as StateFiles from "./StateFiles.ts"

/** What a DEL without a record must read before it removes the port, because the port leads to the files. */
export interface LegacyLeft {
  /** Whether such an attachment, or part of one, exists. */
  readonly isThere: boolean
  /** State file and files of the plain name belong to another container with the same ID prefix. */
  readonly isAnothers: boolean
  /** Directories of the switch's socket path, if that has the attachment's name. */
  readonly volumes: ReadonlyArray<Volume>
  /** Uids of pods through whose mounted volume the socket is reached. */
  readonly mounts: ReadonlyArray<string>
}

/** A switch that does not answer is reported by unplug. */
export const lookFor = Effect.fnUntraced(function* (call: Call, state: StateFiles.State | undefined) {
  const { attachment } = call
  const { legacy } = yield* Vswitch
  const { find } = yield* legacy
  const { isAnothers, ports } = yield* Effect.orElseSucceed(find({ attachment, state }), (): LegacyFound => nothing)
  return {
    isThere: ports.length > 0 || (state !== undefined && !isAnothers),
    isAnothers,
    volumes: volumesOf(call, ports),
    mounts: ports.flatMap(({ socketPath }) => (socketPath === undefined ? [] : (podOf(socketPath) ?? [])))
  } satisfies LegacyLeft
})

const nothing: LegacyFound = { ports: [], isAnothers: false }

/** Fails when the port in the state file exists and was not removed: the file is then kept. */
export const removePorts = Effect.fnUntraced(function* (
  { attachment, configuration: { port } }: Call,
  state: StateFiles.State | undefined,
  socketPath: string
) {
  const { engine } = port
  if (state?.portName !== undefined && engine === "vpp") return yield* elsewhere(state.portName)
  if ((state?.swIfIndex ?? 0) > 0 && engine !== "vpp") {
    // An index does not identify an interface, because VPP reuses it.
    yield* Effect.logWarning("the state file is of an attachment to VPP, but the network now has Open vSwitch")
  }
  const { legacy } = yield* Vswitch
  const removed = yield* (yield* legacy).remove({ attachment, state, port, socketPath })
  for (const what of removed) yield* Effect.logInfo(`removed ${what} of the original plugin or its fork`)
})

const elsewhere = (portName: string) =>
  new VswitchError({
    engine: "vpp",
    operation: "remove the port of the original plugin or its fork",
    answer: `the state file names port ${portName} of Open vSwitch, but the network now has engine vpp: port and state file are kept`,
    cure: "Run `userspace del` with the configuration that the pod was attached with (host.engine ovs-dpdk).",
    code: ErrorCodes.CleanupIncomplete
  })

const volumesOf = (call: Call, ports: ReadonlyArray<LegacyPort>): ReadonlyArray<Volume> => {
  const names = [plainHandle(call.attachment), call.configuration.port.socketFile]
  return ports.flatMap(({ socketPath }) =>
    socketPath !== undefined && names.includes(basename(socketPath))
      ? [{ directory: dirname(socketPath), maker: "kubelet" as const }]
      : []
  )
}

/** The mount is the pod's: other interfaces need it, or a later sandbox, while the original's state has them. */
export const removeMounts = Effect.fnUntraced(function* (call: Call, left: LegacyLeft) {
  const { attachment, configuration } = call
  if (configuration.port.engine !== "ovs-dpdk") return
  for (const uid of yield* uidsOf(attachment, left)) {
    const names = yield* mounted(uid)
    if (names === undefined) continue
    const others = yield* StateFiles.all((yield* Records).stateDir)
    const needed = others.some(
      ({ containerId, ifName }) => containerId === shortId(attachment) || names.includes(`${containerId}-${ifName}`)
    )
    if (needed || (yield* usesMount(uid))) continue
    yield* unmount(uid)
  }
})

/** The uid from the runtime, or else from the pod's volume. */
const uidsOf = Effect.fnUntraced(function* ({ pod }: Attachment, { mounts }: LegacyLeft) {
  if (pod !== undefined && pod.uid !== "") return [pod.uid]
  const volumes = yield* (yield* ContainerConfig).oldVolumes
  const ofVolumes = volumes.flatMap(({ directory }) => /\/pods\/([^/]+)\/volumes\//.exec(directory)?.slice(1) ?? [])
  return [...new Set([...ofVolumes, ...mounts])]
})

/** Whether another port is reached through the mount. */
const usesMount = Effect.fnUntraced(function* (uid: string) {
  const { legacy } = yield* Vswitch
  const ports = yield* (yield* legacy).list
  return ports.some(({ socketPath }) => socketPath !== undefined && podOf(socketPath) === uid)
})

/**
 * Returns differences from the configuration, as far as the switch reports them; undefined: there is no such
 * attachment. On VPP nothing can be compared.
 */
export const differences = Effect.fnUntraced(function* (call: Call) {
  const { attachment, configuration } = call
  const state = yield* StateFiles.find((yield* Records).stateDir, attachment)
  const { legacy } = yield* Vswitch
  const { find, verify } = yield* legacy
  const found = yield* find({ attachment, state })
  const remembered = found.isAnothers || configuration.port.engine !== "ovs-dpdk" ? undefined : state?.portName
  if (found.ports.length === 0 && remembered === undefined) return undefined
  const socketPath = socketPathsFor(call, plainHandle(attachment)).switchPath
  const request = { attachment, invocation: "", port: configuration.port, socketPath, mac: macOf(call), addresses: [] }
  return (yield* verify({ attachment, state }, request)).map(({ what }) => what)
})

/**
 * The original plugin's bind mount of a pod's emptyDir, whose path is too long for a socket: `<uid of the pod>` here,
 * one for all interfaces. This plugin creates none, and unmounts it with the last port that uses it.
 */
const mounts = "/var/lib/vhost_sockets"

/** Returns the uid of the pod through whose mount a socket is reached. */
export const podOf = (path: string): string | undefined => /^\/var\/lib\/vhost_sockets\/([^/]+)\/[^/]+$/.exec(path)?.[1]

const gone = ["ENOENT", "ENOTDIR"]

/** Undefined for an invalid uid, which could lead to another path. */
const mountFor = (uid: string): string | undefined => (/^[A-Za-z0-9-]+$/.test(uid) ? join(mounts, uid) : undefined)

/** Returns the names in it, or undefined when it does not exist. */
const mounted = Effect.fnUntraced(
  function* (podUid: string) {
    const files = yield* Files
    const directory = mountFor(podUid)
    if (directory === undefined) return undefined
    const there = yield* orElse("ENOTDIR", undefined)(files.lstat(directory))
    return there?.kind === "directory" ? yield* orElse(gone, undefined)(files.list(directory)) : undefined
  },
  Effect.mapError(fromFile("inspect"))
)

/** EBUSY means a mount. A non-empty directory that is not a mount is left from before a reboot, and kept. */
const unmount = Effect.fnUntraced(function* (podUid: string) {
  const files = yield* Files
  const processes = yield* Processes
  const directory = mountFor(podUid)
  if (directory === undefined) return
  const removing = orElse(
    [...gone, "ENOTEMPTY", "EEXIST"],
    undefined
  )(files.removeDirectory(directory)).pipe(Effect.mapError(fromFile("remove")))
  yield* Effect.catchIf(
    removing,
    ({ answer }) => answer === "EBUSY",
    () => Effect.andThen(unbind(files, processes, directory), removing)
  )
})
