/** An attachment that was found on the node, joined by its key from record, ports and container config. Pure. */

import type { Control } from "../cni/network/HostPort.ts"
import { isContainerId, isIfName } from "../cni/types/Environment.ts"
import { type Attachment, handlesOf, type Identity, keyOf, shortId } from "../identity/Attachment.ts"
import { whoseText } from "../identity/ConfigurationData.ts"
import type { PublishedFile } from "../shared-dir/Directories.ts"
import type { Owned } from "../vswitch/Vswitch.ts"
import type { Record } from "./records/Record.ts"

/** A port with our mark, and its switch. */
export interface ObservedPort {
  readonly at: Control
  readonly owned: Owned
  /** The mark is that of the original plugin's fork. */
  readonly isLegacy?: boolean
}

type Names = Identity & { readonly pod?: Attachment["pod"] }

export interface ObservedAttachment {
  readonly key: string
  /** Undefined when only VPP has it, whose mark is too short for the names. */
  readonly who?: (Identity & Pick<Attachment, "pod">) | undefined
  readonly record?: Record | undefined
  readonly ports: ReadonlyArray<ObservedPort>
  /** Without a record: its sandbox is certainly gone. */
  readonly isGone?: boolean | undefined
}

export const observed = (names: Names, more: Partial<ObservedAttachment> = {}): ObservedAttachment => {
  const { containerId, ifName, network, pod } = names
  return { key: keyOf(names), who: { network, containerId, ifName, pod }, ports: [], ...more }
}

/** A switch whose mark is too short for the names has the key. */
export const observedPort = (port: ObservedPort): ObservedAttachment =>
  port.owned.key === undefined ? observed(port.owned, { ports: [port] }) : { key: port.owned.key, ports: [port] }

/** Returns one for each key, with all ports. The first that knows something counts. */
export const joined = (parts: ReadonlyArray<ObservedAttachment>): ReadonlyArray<ObservedAttachment> => {
  const all = new Map<string, ObservedAttachment>()
  for (const one of parts) {
    const { isGone, key, ports, record, who } = all.get(one.key) ?? { key: one.key, ports: [] }
    all.set(key, {
      key,
      who: who ?? one.who,
      record: record ?? one.record,
      ports: [...ports, ...one.ports],
      isGone: isGone ?? one.isGone
    })
  }
  return [...all.values()]
}

/**
 * The attachment that a container config names. It is trusted only in the directory where ADD would write it, because a
 * container can write any content, but only into its own directory.
 */
export const whoseTold = ({ directory, handle, text }: PublishedFile): Identity | undefined => {
  const said = whoseText(text)
  return said !== undefined &&
    isContainerId(said.containerId) &&
    isIfName(said.ifName) &&
    shortId(said) === directory &&
    handlesOf(said).includes(handle)
    ? said
    : undefined
}
