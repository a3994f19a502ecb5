/**
 * Attachments of the original plugin and of its fork on a node: those that `userspace list` shows, and those that GC
 * assigns to a network. Ports of the fork have their identity; for the original's there are only state files.
 */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control, Engine } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import { plainHandle, shortId } from "../../identity/Attachment.ts"
import { sandboxTold, whoseText } from "../../identity/ConfigurationData.ts"
import { Files } from "../../platform/Files.ts"
import { Namespaces } from "../../platform/Namespaces.ts"
import { SharedDir } from "../../shared-dir/SharedDir.ts"
import type { LegacyPort } from "../../vswitch/Vswitch.ts"
import { type Call, type NetworkCall, socketPathsFor } from "../Call.ts"
import { type ObservedAttachment, observed } from "../ObservedAttachment.ts"
import { Records } from "../records/Records.ts"
import { podOf } from "./LegacyAttachments.ts"
import * as StateFiles from "./StateFiles.ts"

/** A port with an identity, and its switch. */
export interface ObservedLegacyPort {
  readonly at: Control
  readonly port: LegacyPort
}

/** Null: unknown. */
export interface ListedLegacy {
  readonly containerId: string
  readonly ifName: string | null
  readonly engine: Engine | null
  readonly control: string | null
  readonly port: string | null
  readonly socketPath: string | null
  readonly state: LegacyPort["by"]
  readonly sandbox: "gone" | "unknown"
}

/** Lists each once: a port of the fork has a state file as well. */
export const listed = Effect.fnUntraced(function* (ports: ReadonlyArray<ObservedLegacyPort>) {
  const forks = yield* Effect.forEach(ports, fork)
  const states = yield* Effect.result(StateFiles.all((yield* Records).stateDir))
  const isListed = ({ containerId, ifName }: StateFiles.NamedState) =>
    forks.some((one) => shortId(one) === containerId && one.ifName === ifName)
  const originals = Result.getOrElse(states, () => []).filter((one) => !isListed(one))
  const problems: ReadonlyArray<Explained> = Result.isFailure(states) ? [states.failure] : []
  return { attachments: [...forks, ...originals.map(original)], problems }
})

const fork = ({ at, port }: ObservedLegacyPort) =>
  Effect.map(
    podIsGone(port),
    (gone): ListedLegacy => ({
      containerId: port.containerId ?? "",
      ifName: port.ifName ?? null,
      engine: at.engine,
      control: at.control,
      port: port.port,
      socketPath: port.socketPath ?? null,
      state: port.by,
      sandbox: gone ? "gone" : "unknown"
    })
  )

const original = ({ containerId, ifName, portName, swIfIndex }: StateFiles.NamedState): ListedLegacy => ({
  containerId,
  ifName,
  engine: portName !== undefined ? "ovs-dpdk" : swIfIndex !== undefined ? "vpp" : null,
  control: null,
  port: portName ?? (swIfIndex === undefined ? null : `sw_if_index ${swIfIndex}`),
  socketPath: null,
  state: "original",
  sandbox: "unknown"
})

/**
 * Returns those of a network, for GC. Their marks do not name the network; the container config does. Without one, only
 * an attachment whose pod is certainly gone is judged, and only by a network on the same bridge.
 */
export const ofNetwork = Effect.fnUntraced(function* (call: NetworkCall, all: ReadonlyArray<ObservedLegacyPort>) {
  const found: Array<ObservedAttachment> = []
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
    found.push(observed(who, { ports: [{ at, owned, isLegacy: true }], isGone: gone }))
  }
  return found
})

/** Reads the container config also without this plugin's marker: the mark on the switch proves the attachment. */
const toldOf = Effect.fnUntraced(function* (
  { configuration }: NetworkCall,
  who: Pick<Call["attachment"], "network" | "containerId" | "ifName" | "pod">
) {
  const attachment = { ...who, netns: "" }
  const place = socketPathsFor({ attachment, configuration }, plainHandle(who))
  const text = yield* Effect.orElseSucceed((yield* SharedDir).readConfig(place), () => undefined)
  const said = text === undefined ? undefined : whoseText(text)
  if (text === undefined || said?.containerId !== who.containerId || said.ifName !== who.ifName) return undefined
  const netns = sandboxTold(text, who.ifName)
  const { judge } = yield* Namespaces
  return { network: said.network, gone: netns !== undefined && (yield* judge(netns)) === "missing" }
})

const isOn = ({ configuration: { port } }: NetworkCall, bridge: string | undefined): boolean =>
  port.engine === "ovs-dpdk" && port.bridge === bridge

/**
 * Judges by the pod's directory, which contains the socket and which kubelet removes last. Without a visible directory
 * of pods nothing is claimed.
 */
const podIsGone = Effect.fnUntraced(function* ({ socketPath }: LegacyPort) {
  const directory = socketPath === undefined ? undefined : podDirectory(socketPath)
  if (directory === undefined) return false
  const files = yield* Files
  const there = (path: string) => Effect.orElseSucceed(files.lstat(path), () => "unknown" as const)
  const pods = yield* there(dirname(directory))
  if (pods === undefined || pods === "unknown" || pods.kind !== "directory") return false
  return (yield* there(directory)) === undefined
})

const podDirectory = (socketPath: string): string | undefined => {
  const uid = podOf(socketPath)
  if (uid !== undefined) return join("/var/lib/kubelet/pods", uid)
  return /^(\/.*\/pods\/[^/]+)\/volumes\//.exec(socketPath)?.[1]
}
