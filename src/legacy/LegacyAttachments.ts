/**
 * Attachments of the original plugin (intel/userspace-cni-network-plugin) and of its fork (fivetime/userspace-cni), which
 * have no record of ours: what DEL removes of them, what CHECK compares, what `list` shows and what GC takes for the
 * network's. Known by a state file (`StateFile.ts`) and by what the switch has (`legacy/LegacyPorts.ts`).
 */
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import type { NetworkCall } from "../attachment/Call.ts"
import { type Call, macOf, placeFor } from "../attachment/Call.ts"
import type { Found } from "../attachment/node/ObservedState.ts"
import type { Control } from "../cni/network/HostPort.ts"
import { ErrorCodes } from "../cni/spec/ErrorCodes.ts"
import { sandboxTold, whoseText } from "../container-config/ContainerData.ts"
import { keyOf, plainHandle } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import { Namespaces } from "../platform/Namespaces.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import type { Volume } from "../shared-dir/SocketPaths.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"
import { VswitchError } from "../vswitch/VswitchError.ts"
import type { LegacyFound, LegacyPort } from "./LegacyPorts.ts"
import type { Legacy } from "./StateFile.ts"

/** One that says whose it is, and the switch that it is on. */
export interface FoundLegacy {
  readonly at: Control
  readonly port: LegacyPort
}

/** What a DEL without a record has to know before the port goes, which tells of the files. */
export interface LegacyLeft {
  /** There is such an attachment, or half of one. */
  readonly isThere: boolean
  /** State file and files of the plain name are another container's, whose id begins alike. */
  readonly isAnothers: boolean
  /** Where the switch was told to find the socket, when that is this attachment's by its name as well. */
  readonly volumes: ReadonlyArray<Volume>
  /** Uids of pods whose volume the socket is reached through a mount of. */
  readonly mounts: ReadonlyArray<string>
}

/** Of a switch that does not answer, unplugging tells. */
export const lookFor = Effect.fnUntraced(function* (call: Call, state: Legacy | undefined) {
  const { attachment } = call
  const { legacy } = yield* Vswitch
  const { find } = yield* legacy
  const { isAnothers, ports } = yield* Effect.orElseSucceed(find({ attachment, state }), (): LegacyFound => nothing)
  const left: LegacyLeft = {
    isThere: ports.length > 0 || (state !== undefined && !isAnothers),
    isAnothers,
    volumes: volumesOf(call, ports),
    mounts: ports.flatMap(({ socketPath }) => (socketPath === undefined ? [] : (uidOfMount(socketPath) ?? [])))
  }
  return left
})

const nothing: LegacyFound = { ports: [], isAnothers: false }

/** Fails when the port that the state file names is there and was not taken: the file then stays. */
export const removePorts = Effect.fnUntraced(function* (
  { attachment, configuration }: Call,
  state: Legacy | undefined
) {
  const { engine } = configuration.port
  if (state?.portName !== undefined && engine === "vpp") return yield* elsewhere(state.portName)
  if ((state?.swIfIndex ?? 0) > 0 && engine !== "vpp") {
    // An index names nothing: VPP gives it again.
    yield* Effect.logWarning("the state file is of an attachment to VPP, but the network now has Open vSwitch")
  }
  const { legacy } = yield* Vswitch
  const removed = yield* (yield* legacy).remove({ attachment, state })
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

const mounts = "/var/lib/vhost_sockets"

const uidOfMount = (path: string): string | undefined => /^\/var\/lib\/vhost_sockets\/([^/]+)\/[^/]+$/.exec(path)?.[1]

/** Whether another port is reached through the mount. */
export const usesMount = Effect.fnUntraced(function* (uid: string) {
  const { legacy } = yield* Vswitch
  const ports = yield* (yield* legacy).list
  return ports.some(({ socketPath }) => socketPath?.startsWith(`${mounts}/${uid}/`) === true)
})

/**
 * What is not as the configuration asks, as far as the switch tells; undefined: there is no such attachment. On VPP there
 * is nothing to compare with.
 */
export const differences = Effect.fnUntraced(function* (call: Call, state: Legacy | undefined) {
  const { attachment, configuration } = call
  const { legacy } = yield* Vswitch
  const { find, verify } = yield* legacy
  const found = yield* find({ attachment, state })
  const remembered = found.isAnothers || configuration.port.engine !== "ovs-dpdk" ? undefined : state?.portName
  if (found.ports.length === 0 && remembered === undefined) return undefined
  const socketPath = placeFor(call, plainHandle(attachment)).switchPath
  const request = { attachment, invocation: "", port: configuration.port, socketPath, mac: macOf(call), addresses: [] }
  return (yield* verify({ attachment, state }, request)).map(({ what }) => what)
})

/**
 * Those of a network, for GC. Their marks name no network: the container's configuration does. Where there is none, only
 * one whose pod is certainly gone is judged, and only by a network of the bridge that it is on.
 */
export const ofNetwork = Effect.fnUntraced(function* (call: NetworkCall, all: ReadonlyArray<FoundLegacy>) {
  const found: Array<Found> = []
  for (const { at, port } of all) {
    const { bridge, containerId, ifName, socketPath } = port
    if (containerId === undefined || ifName === undefined) continue
    const who = { network: call.network, containerId, ifName, pod: undefined }
    const told = yield* toldOf(call, who)
    const gone = told === undefined ? yield* podIsGone(port) : told.gone
    const isIts = told === undefined ? gone && isOn(call, bridge) : told.network === call.network
    if (!isIts) {
      yield* Effect.logDebug(`port ${port.port} of the original plugin's fork is not known to be of ${call.network}`)
      continue
    }
    const owned = { ...who, port: port.port, socketPath, state: port.by }
    const one: Found = {
      key: keyOf(who),
      who,
      record: undefined,
      begun: undefined,
      ports: [{ at, owned, isLegacy: true }],
      isGone: gone
    }
    found.push(one)
  }
  return found
})

/** Also where there is no marker of ours: the mark on the switch says that there is such an attachment. */
const toldOf = Effect.fnUntraced(function* (
  { configuration, environment }: NetworkCall,
  who: Pick<Call["attachment"], "network" | "containerId" | "ifName" | "pod">
) {
  const attachment = { ...who, netns: "" }
  const place = placeFor({ attachment, configuration, environment, previous: undefined }, plainHandle(who))
  const text = yield* Effect.orElseSucceed((yield* SharedDir).handed(place), () => undefined)
  const said = text === undefined ? undefined : whoseText(text)
  if (text === undefined || said?.containerId !== who.containerId || said.ifName !== who.ifName) return undefined
  const netns = sandboxTold(text, who.ifName)
  const { judge } = yield* Namespaces
  return { network: said.network, gone: netns !== undefined && (yield* judge(netns)) === "missing" }
})

const isOn = ({ configuration: { port } }: NetworkCall, bridge: string | undefined): boolean =>
  port.engine === "ovs-dpdk" && port.bridge === bridge

/**
 * By the pod's directory, which kubelet removes last of all, and in which the socket is. Nothing is claimed where there is
 * no directory of pods to be seen.
 */
export const podIsGone = Effect.fnUntraced(function* ({ socketPath }: LegacyPort) {
  const directory = socketPath === undefined ? undefined : podDirectory(socketPath)
  if (directory === undefined) return false
  const files = yield* Files
  const there = (path: string) => Effect.orElseSucceed(files.lstat(path), () => "unknown" as const)
  const pods = yield* there(dirname(directory))
  if (pods === undefined || pods === "unknown" || pods.kind !== "directory") return false
  return (yield* there(directory)) === undefined
})

const podDirectory = (socketPath: string): string | undefined => {
  const uid = uidOfMount(socketPath)
  if (uid !== undefined) return join("/var/lib/kubelet/pods", uid)
  return /^(\/.*\/pods\/[^/]+)\/volumes\//.exec(socketPath)?.[1]
}

/** One for each attachment: ports that carry the network's mark go with those that do not. */
export const merge = (found: ReadonlyArray<Found>, more: ReadonlyArray<Found>): ReadonlyArray<Found> => {
  const all = new Map(found.map((one) => [one.key, one]))
  for (const one of more) {
    const known = all.get(one.key)
    all.set(one.key, known === undefined ? one : { ...one, ...known, ports: [...known.ports, ...one.ports] })
  }
  return [...all.values()]
}
