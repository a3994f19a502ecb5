/**
 * The plugin's marks, and the numbers in VPP's names of its ports. Marks are tags of interfaces and bridge domains. VPP
 * stores 63 characters of a tag without interpreting them, so a container ID of 64 characters does not fit. A tag has
 * the attachment's key, computed from the full names, and what people and GC of a network need. Pure.
 */
import { sha256 } from "#sha256"
import { type Attachment, keyOf, shortDigest, shortId } from "../../identity/Attachment.ts"

/** Means "created by the plugin", with the version of the rest. */
const start = "userspace/1/"

/** Which bridge, or VLAN of a bridge, a bridge domain of the plugin is. */
interface BridgeDomainMark {
  readonly bridge: number
  readonly vlan: number | undefined
}

/** The tag of a bridge domain of the plugin. Any ADD of any network may join it; the last DEL removes it. */
export const bridgeDomainTag = (bridge: number, vlan?: number): string =>
  `${start}bridge-domain/${bridge}${vlan === undefined ? "" : `/vlan/${vlan}`}`

const bridgeDomainForm = /^userspace\/1\/bridge-domain\/(\d+)(?:\/vlan\/(\d+))?$/

/** Undefined: not the plugin's. */
export const bridgeDomainOf = (tag: string): BridgeDomainMark | undefined => {
  const [, bridge, vlan] = bridgeDomainForm.exec(tag) ?? []
  return bridge === undefined
    ? undefined
    : { bridge: Number(bridge), vlan: vlan === undefined ? undefined : Number(vlan) }
}

export interface Mark {
  readonly key: string
  /** The beginning of the ADD's UUID. */
  readonly invocation: string
  /** A digest of the network's name, which distinguishes networks without records. */
  readonly network: string
  /** The first twelve characters of the container id, for people. */
  readonly container: string
  /** True: the port has policers. */
  readonly limited: boolean
}

const invocationOf = (invocation: string): string => invocation.replaceAll(/[^0-9A-Za-z-]/g, "").slice(0, 8)

export const markOf = (attachment: Attachment, invocation: string, limited = false): Mark => ({
  key: keyOf(attachment),
  invocation: invocationOf(invocation),
  network: shortDigest(attachment.network),
  container: shortId(attachment).replaceAll(/[^0-9A-Za-z_.-]/g, "_"),
  limited
})

/**
 * `userspace/1/<key>/<invocation>/<network>/<container>`: 12 + 20 + 8 + 8 + 12 characters and three slashes, which fill a tag. The last slash is a colon if the port has policers, so that DEL need not ask VPP for them.
 */
export const toTag = ({ container, invocation, key, limited, network }: Mark): string =>
  `${start}${key}/${invocation}/${network}${limited ? ":" : "/"}${container}`

const form = /^userspace\/1\/([a-z2-7]{20})\/([0-9A-Za-z-]{0,8})\/([a-z2-7]{8})([/:])([^/]*)$/

/** Undefined: not the plugin's. */
export const fromTag = (tag: string): Mark | undefined => {
  const [, key, invocation, network, separator, container] = form.exec(tag) ?? []
  return key === undefined || invocation === undefined || network === undefined || container === undefined
    ? undefined
    : { key, invocation, network, container, limited: separator === ":" }
}

/** The owner of a policer: the part of the mark that follows from the attachment, or from its tag. */
export type Owner = Pick<Mark, "key" | "network" | "container">

/** At most 59 of the 63 characters that VPP stores. */
export const policerName = ({ container, key, network }: Owner, direction: "input" | "output"): string =>
  `${start}${key}/${network}/${container}/${direction}`

const policerForm = /^userspace\/1\/([a-z2-7]{20})\/([a-z2-7]{8})\/([^/]*)\/(?:input|output)$/

/** Undefined: not the plugin's. */
export const policerOf = (name: string): Owner | undefined => {
  const [, key, network, container] = policerForm.exec(name) ?? []
  return key === undefined || network === undefined || container === undefined ? undefined : { key, network, container }
}

export interface Selector {
  readonly key: string
  /** Selects only objects of this ADD. */
  readonly invocation: string | undefined
}

export const selects = ({ invocation, key }: Selector, tag: string): boolean => {
  const mark = fromTag(tag)
  return mark?.key === key && (invocation === undefined || mark.invocation === invocationOf(invocation))
}

export type PortKind = "memif" | "vhostuser"

/** People and VPP itself use small numbers. With the sign bit, VPP prints a negative number. */
const lowest = 0x10000
const highest = 0x7fffffff

/**
 * memif: id of the socket; vhost-user: number of the device. Derived from the attachment, so that the port has one
 * name, also after a restart, and after an ADD that was killed before it set the tag. `attempt`: selects another number
 * when the first one is in use (once in two thousand million ports).
 */
export const portNumber = (key: string, attempt = 0): number => {
  const digest = sha256(`vpp\0${key}\0${attempt}`)
  return lowest + (digest.readUInt32BE(0) % (highest - lowest))
}

export const attempts = 3

export const portName = (kind: PortKind, number: number): string =>
  kind === "memif" ? `memif${number}/0` : `VirtualEthernet0/0/${number}`

/** Returns the socket's id from VPP's name of the interface: `memif1013904223/0`. */
export const memifSocketOf = (name: string): number | undefined => {
  const [, number] = /^memif(\d+)\/\d+$/.exec(name) ?? []
  return number === undefined ? undefined : Number(number)
}
