/**
 * The tag by which `container vpp` identifies its interfaces: the interface's name and a digest of what cannot be
 * changed after creation. It differs from the plugin's own mark, which is for the switch. Pure.
 */
import { sha256 } from "#sha256"
import type { MemifInterface } from "../told/Interface.ts"

const start = "userspace-container/1/"

export interface Mark {
  readonly name: string
  readonly digest: string
}

/** The secret is excluded: everybody who can see a tag could use a digest to try secrets. */
export const markOf = (one: MemifInterface): Mark => {
  const { abstract, bufferSize, mac, mode, name, ringSize, role, rxQueues, socket, txQueues } = one
  const made = [socket, abstract, role, mode, mac, rxQueues, txQueues, ringSize, bufferSize]
  return { name, digest: sha256(JSON.stringify(made)).toString("hex").slice(0, 16) }
}

/** VPP stores 63 characters; these are at most 54. */
export const toTag = ({ digest, name }: Mark): string => `${start}${name}/${digest}`

/** Undefined: not the plugin's. */
export const fromTag = (tag: string): Mark | undefined => {
  const [, name, digest] = /^userspace-container\/1\/([^/]+)\/([0-9a-f]{16})$/.exec(tag) ?? []
  return name === undefined || digest === undefined ? undefined : { name, digest }
}

/** The key from which VPP's name of the interface is derived (src/vpp/interfaces/Mark.ts). */
export const keyOf = (name: string): string => `container\0${name}`
