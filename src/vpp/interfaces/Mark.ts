/**
 * The plugin's marks: tags of interfaces and bridge domains, of which VPP stores 63 characters without interpreting
 * them. A tag cannot hold a container ID of 64 characters; it has the attachment's key, computed from the full names,
 * and what people and GC of a network need. Pure.
 */
import { type Attachment, keyOf, networkDigest, shortId } from "../../identity/Attachment.ts"

/** `userspace/1/` says "made by the plugin", and the version of what follows. */
const start = "userspace/1/"

/** Which bridge a bridge domain that we made is, or which VLAN of one. */
export interface BridgeDomainMark {
  /** Undefined: made by an earlier release, which did not write it down. */
  readonly bridge: number | undefined
  readonly vlan: number | undefined
}

/** The tag of a bridge domain of the plugin. Any ADD of any network may join it, the last DEL removes it. */
export const bridgeDomainTag = (bridge: number, vlan?: number): string =>
  `${start}bridge-domain/${bridge}${vlan === undefined ? "" : `/vlan/${vlan}`}`

const bridgeDomainForm = /^userspace\/1\/bridge-domain(?:\/(\d+)(?:\/vlan\/(\d+))?)?$/

/** Undefined: not ours. */
export const bridgeDomainOf = (tag: string): BridgeDomainMark | undefined => {
  const found = bridgeDomainForm.exec(tag)
  if (found === null) return undefined
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text))
  return { bridge: number(found[1]), vlan: number(found[2]) }
}

export interface Mark {
  readonly key: string
  /** The beginning of the ADD's UUID. */
  readonly invocation: string
  /** Of the network's name: two networks are told apart without records. */
  readonly network: string
  /** The first twelve characters of the container id, for people. */
  readonly container: string
  /** It has policers. */
  readonly limited: boolean
}

const invocationOf = (invocation: string): string => invocation.replaceAll(/[^0-9A-Za-z-]/g, "").slice(0, 8)

export const markOf = (attachment: Attachment, invocation: string, limited = false): Mark => ({
  key: keyOf(attachment),
  invocation: invocationOf(invocation),
  network: networkDigest(attachment.network),
  container: shortId(attachment).replaceAll(/[^0-9A-Za-z_.-]/g, "_"),
  limited
})

/**
 * `userspace/1/<key>/<invocation>/<network>/<container>`: 12 + 20 + 8 + 8 + 12 characters and three slashes, which is all
 * that fits. The last slash is a colon when there are policers, so that DEL need not ask VPP for them.
 */
export const toTag = ({ container, invocation, key, limited, network }: Mark): string =>
  `${start}${key}/${invocation}/${network}${limited ? ":" : "/"}${container}`

const form = /^userspace\/1\/([a-z2-7]{20})\/([0-9A-Za-z-]{0,8})\/([a-z2-7]{8})([/:])([^/]*)$/

/** Undefined: not ours. */
export const fromTag = (tag: string): Mark | undefined => {
  const [, key, invocation, network, separator, container] = form.exec(tag) ?? []
  return key === undefined || invocation === undefined || network === undefined || container === undefined
    ? undefined
    : { key, invocation, network, container, limited: separator === ":" }
}

/** Whose a policer is: what follows from the attachment, and from its tag alone as well. */
export type Owner = Pick<Mark, "key" | "network" | "container">

/** At most 59 characters of the 63 that VPP keeps. */
export const policerName = ({ container, key, network }: Owner, direction: "input" | "output"): string =>
  `${start}${key}/${network}/${container}/${direction}`

const policerForm = /^userspace\/1\/([a-z2-7]{20})\/([a-z2-7]{8})\/([^/]*)\/(?:input|output)$/

/** Undefined: not ours. */
export const policerOf = (name: string): Owner | undefined => {
  const [, key, network, container] = policerForm.exec(name) ?? []
  return key === undefined || network === undefined || container === undefined ? undefined : { key, network, container }
}

export interface Selector {
  readonly key: string
  /** Only what this ADD made. */
  readonly invocation: string | undefined
}

export const selects = ({ invocation, key }: Selector, tag: string): boolean => {
  const mark = fromTag(tag)
  return mark?.key === key && (invocation === undefined || mark.invocation === invocationOf(invocation))
}
