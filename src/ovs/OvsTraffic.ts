/**
 * The counters of all ports with the plugin's mark: column `statistics` of Interface, which ovs-vswitchd updates all
 * together every five seconds, or as `other_config:stats-update-interval` says (ovs-vswitchd.conf.db(5)). Loaded on
 * demand.
 */
import * as Effect from "effect/Effect"
import { keyOf } from "../identity/Attachment.ts"
import type { Files } from "../platform/Files.ts"
import type { Sockets } from "../platform/Sockets.ts"
import type { DropReason, PortTraffic } from "../vswitch/Traffic.ts"
import * as Daemon from "./client/Daemon.ts"
import type { OvsClient } from "./client/OvsClient.ts"
import { fromOvsdb, toError } from "./client/OvsdbError.ts"
import { integer, numbersNamed, optional, strings, text } from "./client/OvsdbMessages.ts"
import * as Marks from "./client/PortPlan.ts"
import * as Transactions from "./client/Transactions.ts"
import { type Table, table } from "./client/Transactions.ts"

type Reasons = ReadonlyArray<readonly [reason: DropReason, counter: string]>

/** ovs-vswitchd.conf.db(5), "Statistics: ... ovs_*"; each is a part of the total. */
const toThePod: Reasons = [
  ["failure", "ovs_tx_failure_drops"],
  ["mtu", "ovs_tx_mtu_exceeded_drops"],
  ["qos", "ovs_tx_qos_drops"],
  ["offload", "ovs_tx_invalid_hwol_drops"]
]
const fromThePod: Reasons = [["qos", "ovs_rx_qos_drops"]]

const counters: ReadonlySet<string> = new Set([
  ...["rx", "tx"].flatMap((way) => ["packets", "bytes", "errors", "dropped"].map((what) => `${way}_${what}`)),
  "ovs_tx_retries",
  ...[...toThePod, ...fromThePod].map(([, counter]) => counter)
])

const Counted = table("Interface", (column) => ({
  name: column("name", text),
  external_ids: column("external_ids", strings),
  link_state: column("link_state", optional(text)),
  link_resets: column("link_resets", optional(integer)),
  mtu: column("mtu", optional(integer)),
  status: column("status", strings),
  statistics: column("statistics", numbersNamed(counters))
}))
const Settings = table("Open_vSwitch", (column) => ({ other_config: column("other_config", strings) }))
type CountedRow = typeof Counted extends Table<infer Row> ? Readonly<Row> : never

const operation = "read counters"

/** The default, and the least that ovs-vswitchd accepts. */
const leastInterval = 5000

export const traffic = (client: OvsClient["Service"], files: Files["Service"], sockets: Sockets["Service"]) =>
  Effect.gen(function* () {
    const [rows, settings] = yield* Effect.mapError(
      client.selectBoth([Counted, [Transactions.marked(Marks.ofNetwork(undefined))]], [Settings, []]),
      fromOvsdb(operation)
    )
    const asked = whole(settings[0]?.other_config["stats-update-interval"]) ?? leastInterval
    const writtenEvery = Math.max(asked, leastInterval)
    const ports = rows.flatMap(portTraffic).map((port): PortTraffic => ({ ...port, writtenEvery }))
    // The database keeps the last counters after ovs-vswitchd has exited.
    const dead = ports.length === 0 ? undefined : yield* Daemon.make(files, sockets, client.peer).absent
    return dead === undefined ? ports : yield* toError(operation, dead)
  })

/** The switch's columns are from the switch's view. */
const portTraffic = ({
  external_ids,
  link_resets,
  link_state,
  mtu,
  name,
  statistics,
  status
}: CountedRow): ReadonlyArray<Omit<PortTraffic, "writtenEvery">> => {
  const owner = Marks.ownerOf(external_ids)
  if (owner === undefined) return []
  // Since 3.1, Open vSwitch does not count what passes a port whose socket it makes (docs/metrics.md).
  const uncounted = status["mode"] === "server" && statistics["rx_packets"] === undefined
  const counted = (counter: string) => (uncounted ? undefined : (statistics[counter] ?? 0))
  return [
    {
      key: keyOf(owner),
      who: owner,
      port: name,
      receive: {
        packets: counted("tx_packets"),
        bytes: counted("tx_bytes"),
        dropped: dropped(statistics, counted("tx_dropped"), toThePod),
        errors: counted("tx_errors")
      },
      transmit: {
        packets: counted("rx_packets"),
        bytes: counted("rx_bytes"),
        dropped: dropped(statistics, counted("rx_dropped"), fromThePod),
        errors: counted("rx_errors")
      },
      retries: statistics["ovs_tx_retries"],
      connected: status["status"] === undefined ? link_state === "up" : status["status"] === "connected",
      linkResets: link_resets,
      // 0 until an application has connected.
      mtu: mtu === 0 ? undefined : mtu,
      queues: whole(status["n_rxq"]),
      numaNode: whole(status["numa"])
    }
  ]
}

const dropped = (
  statistics: CountedRow["statistics"],
  total: number | undefined,
  reasons: Reasons
): PortTraffic["receive"]["dropped"] => {
  const known = reasons.flatMap(([reason, counter]) => {
    const packets = statistics[counter]
    return packets === undefined ? [] : [[reason, packets] as const]
  })
  if (total === undefined) return Object.fromEntries(known)
  const rest = known.reduce((left, [, packets]) => left - packets, total)
  return { ...Object.fromEntries(known), other: Math.max(0, rest) }
}

const whole = (words: string | undefined): number | undefined =>
  words !== undefined && /^\d+$/.test(words) ? Number(words) : undefined
