/**
 * The observed state of an attachment: record, ports and container config, joined by its key. Pure; `Inventory.ts`
 * reads them.
 */

import { isContainerId, isIfName } from "../../cni/spec/Environment.ts"
import { whoseText } from "../../container-config/ContainerData.ts"
import { type Attachment, type Identity, keyOf, longHandle, plainHandle, shortId } from "../../identity/Attachment.ts"
import type { PublishedFile } from "../../shared-dir/PublishedFiles.ts"
import type { ObservedAttachment, ObservedPort } from "../ObservedAttachment.ts"
import type { Record } from "../records/Record.ts"

interface Sources {
  readonly records: ReadonlyArray<Record>
  readonly begun: ReadonlyArray<Record>
  /** Identities without further information. */
  readonly named: ReadonlyArray<Identity & { readonly pod?: Attachment["pod"] }>
  readonly ports: ReadonlyArray<ObservedPort>
}

export const together = ({ begun: beginnings, named, ports, records }: Sources): ReadonlyArray<ObservedAttachment> => {
  const all = new Map<string, ObservedAttachment>()
  const add = (key: string, more: Partial<ObservedAttachment>) => {
    const { who, record, begun, ports = [] } = all.get(key) ?? {}
    all.set(key, {
      key,
      who: who ?? more.who,
      record: record ?? more.record,
      begun: begun ?? more.begun,
      ports: [...ports, ...(more.ports ?? [])]
    })
  }
  const names = ({ containerId, ifName, network, pod }: (typeof named)[number]) => ({
    network,
    containerId,
    ifName,
    pod
  })
  for (const record of records) add(keyOf(record), { record, who: names(record) })
  for (const port of ports) {
    if (port.owned.key === undefined) add(keyOf(port.owned), { ports: [port], who: names(port.owned) })
    else add(port.owned.key, { ports: [port] })
  }
  for (const begun of beginnings) add(keyOf(begun), { begun, who: names(begun) })
  for (const one of named) add(keyOf(one), { who: names(one) })
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
    [plainHandle(said), longHandle(said)].includes(handle)
    ? said
    : undefined
}
