/**
 * What is known of an attachment without having been told of it: its record, its ports, what its container was told,
 * brought together by the key that all of them have. Pure; who looks is `Inventory.ts`.
 */

import { isContainerId, isIfName } from "../../cni/spec/Environment.ts"
import { whoseText } from "../../container-config/ContainerData.ts"
import { type Attachment, type Identity, keyOf, longHandle, plainHandle, shortId } from "../../identity/Attachment.ts"
import type { Told } from "../../shared-dir/PublishedFiles.ts"
import type { Found, FoundPort } from "../Found.ts"
import type { Record } from "../records/Record.ts"

interface Sources {
  readonly records: ReadonlyArray<Record>
  readonly begun: ReadonlyArray<Record>
  /** Names alone. */
  readonly named: ReadonlyArray<Identity & { readonly pod?: Attachment["pod"] }>
  readonly ports: ReadonlyArray<FoundPort>
}

export const together = ({ begun: beginnings, named, ports, records }: Sources): ReadonlyArray<Found> => {
  const all = new Map<string, Found>()
  const add = (key: string, more: Partial<Found>) => {
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
 * Who a container's configuration says it is for. Believed when it is where ADD would have put it: a container can write
 * what it likes, but not into another's directory.
 */
export const whoseTold = ({ directory, handle, text }: Told): Identity | undefined => {
  const said = whoseText(text)
  return said !== undefined &&
    isContainerId(said.containerId) &&
    isIfName(said.ifName) &&
    shortId(said) === directory &&
    [plainHandle(said), longHandle(said)].includes(handle)
    ? said
    : undefined
}
