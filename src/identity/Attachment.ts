/**
 * The identity of an attachment, and every name derived from it. An attachment is (network, container, interface): the
 * specification guarantees no more (CNI 1.1.0, section 2). Pure; does not access the node.
 */
import { sha256 } from "#sha256"
import type { Environment } from "../cni/types/Environment.ts"

export interface Attachment {
  /** `name` of the network configuration. */
  readonly network: string
  /** CNI_CONTAINERID, complete. It may be shorter than 12 characters. */
  readonly containerId: string
  /** CNI_IFNAME. */
  readonly ifName: string
  /** CNI_NETNS; empty on a DEL after the sandbox is gone. */
  readonly netns: string
  /** From CNI_ARGS, for messages and for the API server. */
  readonly pod: Pod | undefined
}

/** The three parts that identify an attachment. */
export type Identity = Pick<Attachment, "network" | "containerId" | "ifName">

export interface Pod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/**
 * Validates names by Kubernetes' rules (RFC 1123, with dots between labels): they become parts of a URL, and the UID a
 * part of a path of kubelet's. Other runtimes use the same keys for names of their own; podman for a container's.
 */
const isPod = ({ name, namespace, uid }: Pod): boolean =>
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace) &&
  /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) &&
  /^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)?$/.test(uid)

export const attachmentOf = (network: string, environment: Environment): Attachment => {
  const { args, containerId, ifName, netns } = environment
  const pod = {
    namespace: args.get("K8S_POD_NAMESPACE") ?? "",
    name: args.get("K8S_POD_NAME") ?? "",
    uid: args.get("K8S_POD_UID") ?? ""
  }
  return { network, containerId, ifName, netns, pod: isPod(pod) ? pod : undefined }
}

/** The first twelve characters: the usual abbreviation of a container ID, also in the original plugin. */
export const shortId = (attachment: Pick<Attachment, "containerId">): string => attachment.containerId.slice(0, 12)

/**
 * 20 lower-case base32 characters (100 bits) from the three parts of the identity. None of them can contain NUL, so
 * ("a", "bc") and ("ab", "c") differ.
 */
export const keyOf = (attachment: Identity): string =>
  base32(sha256(`${attachment.network}\0${attachment.containerId}\0${attachment.ifName}`).subarray(0, 13)).slice(0, 20)

/** A short digest of the name of a network, or of a directory. */
export const shortDigest = (name: string): string => keyOf({ network: name, containerId: "", ifName: "" }).slice(0, 8)

/** The name of the port on the switch: `usp` and 60 bits. OpenFlow shows 15 characters of a port name. */
export const portName = (attachment: Identity): string => portNameOf(keyOf(attachment))

export const portNameOf = (key: string): string => `usp${key.slice(0, 12)}`

/** `<id12>-<ifname>`: the original plugin's file name. Two attachments with one prefix may share a directory. */
export const plainHandle = (attachment: Pick<Identity, "containerId" | "ifName">): string =>
  `${shortId(attachment)}-${attachment.ifName}`

/** The unique handle, used when the plain one is taken. */
export const longHandle = (attachment: Identity): string =>
  `${plainHandle(attachment)}-${keyOf(attachment).slice(0, 8)}`

/** In the order of preference. */
export const handlesOf = (attachment: Identity): readonly [plain: string, long: string] => [
  plainHandle(attachment),
  longHandle(attachment)
]

/**
 * A locally administered unicast MAC address, always the same for an attachment. Used when none was requested: a
 * vhost-user port has none of its own, and a retried ADD must not change it. `ofPod`: that of pod and interface, which is the
 * same in every sandbox of the pod.
 */
export const derivedMac = (attachment: Attachment, ofPod = false): string => {
  const { ifName, network, pod } = attachment
  const own = ofPod && pod !== undefined ? { network, containerId: `${pod.namespace}/${pod.name}`, ifName } : attachment
  const bytes = sha256(`mac\0${keyOf(own)}`).subarray(0, 6)
  bytes[0] = ((bytes[0] ?? 0) | 0x02) & 0xfe
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":")
}

const base32 = (bytes: Uint8Array): string => {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
  let bits = 0
  let value = 0
  let out = ""
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += alphabet[(value >> bits) & 31]
    }
  }
  return out
}
