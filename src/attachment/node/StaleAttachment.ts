/**
 * Removes one stale attachment: by a DEL with the configuration of its ADD if there is a record; then its ports on
 * other switches, as of a network that has moved. With only VPP's mark the names are unknown: port and socket are
 * removed.
 */
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { spelledOut } from "../../cni/Request.ts"
import { asCniError, CniError, type Explained } from "../../cni/types/CniError.ts"
import { readArgs } from "../../cni/types/Environment.ts"
import type { ContainerConfigLayer } from "../../container-config/ContainerConfig.ts"
import { containerConfigFor } from "../../container-config/ContainerConfigs.ts"
import type { Attachment } from "../../identity/Attachment.ts"
import { SharedDir } from "../../shared-dir/SharedDir.ts"
import type { SocketPaths } from "../../shared-dir/SocketPaths.ts"
import { Vswitch } from "../../vswitch/Vswitch.ts"
import { type Call, type NetworkCall, socketPathsFor } from "../Call.ts"
import type { ObservedAttachment, ObservedPort } from "../ObservedAttachment.ts"
import { configurationOfRecord } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { del } from "../verbs/Del.ts"
import { isSame, type Switches } from "./Switches.ts"

export interface Tools {
  readonly switches: Switches
  readonly containerConfig?: (call: Call) => ContainerConfigLayer
}

/** The name in messages. */
export const nameOf = ({ key, ports, who }: ObservedAttachment): string =>
  who === undefined
    ? `${ports.map(({ owned }) => `port ${owned.port} of container ${owned.containerId}`).join(", ") || key}`
    : `${who.ifName} of container ${who.containerId}`

/** Returns the failures. `all`: the other attachments, which may use the same socket. */
export const removeStale = Effect.fnUntraced(function* (
  call: NetworkCall,
  found: ObservedAttachment,
  all: ReadonlyArray<ObservedAttachment>,
  { containerConfig = containerConfigFor, switches }: Tools
) {
  const { ports, record, who } = found
  const own = who === undefined ? undefined : yield* callFor(call, { ...who, netns: "" }, record)
  const deleted =
    own === undefined
      ? []
      : yield* failuresOf(
          Effect.provide(
            del(own, record),
            Layer.merge(Layer.effect(Vswitch, switches.at(own.configuration.port)), containerConfig(own))
          )
        )
  const elsewhere = ports.filter((port) => own === undefined || !isSame(port.at, own.configuration.port))
  const unplugged = yield* Effect.forEach(elsewhere, (port) => failuresOf(unplugThere(found, port, switches)))
  const unfreed = own === undefined && unplugged.flat().length === 0 ? yield* failuresOf(clear(call, found, all)) : []
  const failures = [...deleted, ...unplugged.flat(), ...unfreed]
  if (failures.length === 0) yield* Effect.logInfo(`removed ${nameOf(found)}`)
  return failures.map(({ code, details, msg }) => new CniError({ code, msg: `${nameOf(found)}: ${msg}`, details }))
})

export const failuresOf = <R>(self: Effect.Effect<unknown, CniError | Explained, R>) =>
  Effect.match(self, { onSuccess: (): ReadonlyArray<CniError> => [], onFailure: (error) => [asCniError(error)] })

/** The DEL that the runtime did not send. By the specification, the sandbox is gone. */
const callFor = Effect.fnUntraced(function* (
  { configuration, environment }: NetworkCall,
  attachment: Attachment,
  record: Record | undefined
) {
  const { containerId, ifName, pod } = attachment
  const text = record?.args ?? argsFor(pod)
  const variables = {
    ...environment.variables,
    CNI_COMMAND: "DEL",
    CNI_CONTAINERID: containerId,
    CNI_IFNAME: ifName,
    CNI_NETNS: "",
    CNI_ARGS: text
  }
  const args = Result.getOrElse(readArgs(text), () => environment.args)
  const recorded =
    record === undefined
      ? configuration
      : yield* Effect.catch(spelledOut(configurationOfRecord(record, variables)), ({ msg }) =>
          Effect.as(
            Effect.logWarning(`${msg}; continuing with the current configuration of the network`),
            configuration
          )
        )
  return {
    attachment,
    configuration: recorded,
    environment: { ...environment, containerId, ifName, netns: "", args, variables },
    previous: undefined
  } satisfies Call
})

/** CNI_ARGS of a pod as Multus and the runtimes write them, for IPAM plugins that use them. */
const argsFor = (pod: Attachment["pod"]): string =>
  pod === undefined
    ? ""
    : `IgnoreUnknown=1;K8S_POD_NAMESPACE=${pod.namespace};K8S_POD_NAME=${pod.name};K8S_POD_UID=${pod.uid}`

/** Removes by mark only: a port without it is kept, whatever its name or socket. */
const unplugThere = Effect.fnUntraced(function* (
  { key, who }: ObservedAttachment,
  { at, isLegacy, owned }: ObservedPort,
  switches: Switches
) {
  const vswitch = yield* switches.at(at)
  const { containerId, ifName, network, pod } = who ?? owned
  if (isLegacy === true) {
    const { remove } = yield* vswitch.legacy
    return yield* remove({ attachment: { network, containerId, ifName }, state: undefined })
  }
  const attachment = { network, containerId, ifName, pod, netns: "" }
  return yield* vswitch.unplug({ attachment, key, invocation: undefined, port: undefined, socketPath: undefined })
})

/** Removes the files of an attachment without names, by its socket. Only the IPAM plugin may know its addresses. */
const clear = Effect.fnUntraced(function* (
  call: NetworkCall,
  { key, ports }: ObservedAttachment,
  all: ReadonlyArray<ObservedAttachment>
) {
  const sharedDir = yield* SharedDir
  for (const { owned } of ports) {
    const place = placeOfSocket(call, key, owned)
    const shared = all.some(
      (other) => other.key !== key && other.ports.some((port) => port.owned.socketPath === owned.socketPath)
    )
    if (place !== undefined && !shared) yield* sharedDir.release(place, [])
  }
})

/** Returns the paths that ADD would have used, if the socket is there. */
const placeOfSocket = (
  { configuration, network }: NetworkCall,
  key: string,
  { containerId, pod, socketPath }: ObservedPort["owned"]
): SocketPaths | undefined => {
  if (socketPath === undefined) return undefined
  const name = basename(socketPath)
  const [, handle = name] = /^memif-(.+)\.sock$/.exec(name) ?? []
  const attachment = { network, containerId, ifName: "", netns: "", pod }
  const place = socketPathsFor({ attachment, configuration }, handle)
  const link = place.link === undefined ? undefined : join(dirname(place.link), key)
  const switchPath = link === undefined ? place.socketPath : join(link, place.socketName)
  return switchPath === socketPath ? { ...place, link, switchPath } : undefined
}
