/** A container's interfaces as text for people, and as JSON. Pure. */

import type { Presence } from "../../container/Presence.ts"
import { type Interface, partOf, socketMadeBy } from "../../container/told/Interface.ts"
import type { Style } from "./PlanText.ts"

interface Seen {
  readonly one: Interface
  readonly presence: Presence
}

const heads = ["INTERFACE", "NETWORK", "KIND", "ROLE", "SOCKET MADE BY", "THERE", "ADDRESS", "GATEWAY", "MTU", "MAC"]

/** One line for each interface, with its socket and what to do below. */
export const interfaceTable = (seen: ReadonlyArray<Seen>, { faint, strong }: Style): string => {
  const rows = seen.map(cells)
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => (row[column] ?? "").length)))
  const line = (row: ReadonlyArray<string>) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
  return [
    strong(line(heads)),
    ...seen.flatMap(({ one, presence }, index) => [
      line(rows[index] ?? []),
      ...moreAddresses(one).map((cell) => faint(`  also ${cell}`)),
      ...one.routes.map(({ dst, gateway }) => faint(`  route ${dst}${gateway === undefined ? "" : ` via ${gateway}`}`)),
      `  ${one.kind === "memif" && one.abstract ? "abstract socket " : ""}${one.socket}`,
      `  ${presence.words}`
    ])
  ].join("\n")
}

const cells = ({ one, presence }: Seen): ReadonlyArray<string> => [
  one.name,
  one.network ?? "-",
  one.kind,
  partOf(one),
  socketMadeBy(one),
  presence.there ? "yes" : "no",
  one.addresses[0]?.address ?? "-",
  one.addresses[0]?.gateway ?? "-",
  one.mtu === undefined ? "-" : String(one.mtu),
  one.mac ?? "-"
]

const moreAddresses = ({ addresses }: Interface): ReadonlyArray<string> =>
  addresses.slice(1).map(({ address, gateway }) => `${address}${gateway === undefined ? "" : `, gateway ${gateway}`}`)

/** A secret is shown as `<redacted:secret>`. */
export const interfaceJson = ({ one, presence }: Seen) => ({
  ...one,
  socketMadeBy: socketMadeBy(one),
  there: presence.there,
  ready: presence.ready,
  advice: presence.words
})
