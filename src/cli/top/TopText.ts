/** The traffic of a node as a table for people, and as JSON. Pure. */
import type { RatedInterface, Rates } from "../../attachment/traffic/Rates.ts"
import { type Style, table } from "../text/Table.ts"

export type Sort = "packets" | "bits" | "drops" | "pod"

const measures: Readonly<Record<Exclude<Sort, "pod">, (rates: Rates) => number>> = {
  packets: ({ receive, transmit }) => sum(receive.packets, transmit.packets),
  bits: ({ receive, transmit }) => sum(receive.bytes, transmit.bytes),
  drops: ({ receive, transmit }) => receive.dropped + transmit.dropped
}

/** -1: unknown. */
const sum = (one: number | undefined, other: number | undefined): number =>
  one === undefined || other === undefined ? -1 : one + other

/** The most first; unknown rates last; then by name. */
export const sorted = (interfaces: ReadonlyArray<RatedInterface>, by: Sort): ReadonlyArray<RatedInterface> => {
  const measured = ({ rates }: RatedInterface) =>
    by === "pod" ? 0 : rates === undefined ? -1 : Math.round(measures[by](rates))
  const names = (one: RatedInterface) => [podOf(one), one.who?.ifName, one.who?.network, one.traffic.port].join("\0")
  return interfaces.toSorted((one, other) => measured(other) - measured(one) || (names(one) < names(other) ? -1 : 1))
}

const heads = [
  ...["POD", "INTERFACE", "NETWORK", "CONNECTED"],
  ...["RX PACKETS/S", "RX BITS/S", "TX PACKETS/S", "TX BITS/S", "DROPS/S"]
]

/** Names, which are shortened when the terminal is narrow. */
const names = 3
const shortest = 9

export interface Size {
  /** Undefined: as wide, or as high, as it is. */
  readonly columns: number | undefined
  readonly rows: number | undefined
}

export const topTable = (interfaces: ReadonlyArray<RatedInterface>, { columns, rows }: Size, style: Style): string => {
  const room = rows === undefined ? interfaces.length : Math.max(1, rows - 1)
  const shown = interfaces.length <= room ? interfaces : interfaces.slice(0, Math.max(1, room - 1))
  const left = interfaces.length - shown.length
  const cells = fitted([heads, ...shown.map(cellsOf)], columns)
  const [first = heads, ...others] = cells
  const cut = (line: string) => (columns === undefined ? line : line.slice(0, columns))
  const [head = "", ...lines] = table(first, others, (text) => text).split("\n")
  return [
    style.strong(cut(head)),
    ...lines.map(cut),
    ...(left === 0 ? [] : [cut(`... and ${left} more: --pod and --network select`)])
  ].join("\n")
}

const gap = 2

/** Shortens the longest name until the table fits, or the names are as short as they may be. */
const fitted = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  columns: number | undefined
): ReadonlyArray<ReadonlyArray<string>> => {
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)))
  const wide = () => widths.reduce((sum, width) => sum + width, gap * (widths.length - 1))
  while (columns !== undefined && wide() > columns) {
    const longest = Math.max(...widths.slice(0, names))
    if (longest <= shortest) break
    widths[widths.indexOf(longest)] = longest - 1
  }
  return rows.map((row) =>
    row.map((cell, column) => {
      const width = widths[column] ?? cell.length
      if (column < names) return cell.length > width ? `${cell.slice(0, width - 1)}~` : cell
      return column === names ? cell : cell.padStart(width)
    })
  )
}

const podOf = ({ who }: RatedInterface): string =>
  who?.pod === undefined ? who?.containerId.slice(0, 12) || "-" : `${who.pod.namespace}/${who.pod.name}`

const cellsOf = (one: RatedInterface): ReadonlyArray<string> => {
  const { rates, traffic, who } = one
  const numbers =
    rates === undefined
      ? heads.slice(names + 1).map(() => "-")
      : [
          ...[rates.receive, rates.transmit].flatMap(({ bytes, packets }) => [
            packets === undefined ? "-" : short(packets),
            bytes === undefined ? "-" : short(8 * bytes)
          ]),
          short(measures.drops(rates))
        ]
  return [podOf(one), who?.ifName ?? "-", who?.network ?? "-", traffic.connected ? "yes" : "no", ...numbers]
}

/** Three digits: `0.5`, `999`, `12.3k`, `1.48M`. */
export const short = (number: number): string => {
  const scale = units.findLast(({ from }) => number >= from)
  return scale === undefined ? String(digits(number)) : `${digits(number / scale.unit)}${scale.name}`
}

/** From where three digits round to one unit. */
const units = [
  { name: "k", unit: 1e3 },
  { name: "M", unit: 1e6 },
  { name: "G", unit: 1e9 },
  { name: "T", unit: 1e12 }
].map(({ name, unit }) => ({ name, unit, from: 0.9995 * unit }))

const digits = (number: number): number => Number(number.toPrecision(3))

export const interfaceJson = ({ at, rates, traffic, who }: RatedInterface) => ({
  namespace: who?.pod?.namespace ?? null,
  pod: who?.pod?.name ?? null,
  containerId: who?.containerId ?? null,
  interface: who?.ifName ?? null,
  network: who?.network ?? null,
  engine: at.engine,
  control: at.control,
  port: traffic.port,
  connected: traffic.connected,
  receive: wayJson(rates?.receive),
  transmit: wayJson(rates?.transmit)
})

const wayJson = (rate: Rates["receive"] | undefined) =>
  rate === undefined
    ? null
    : {
        packetsPerSecond: rate.packets ?? null,
        bitsPerSecond: rate.bytes === undefined ? null : 8 * rate.bytes,
        dropsPerSecond: rate.dropped
      }
