/** From the columns of an Interface, as ovs-vswitchd 3.5 with DPDK writes them, to what the pod sees. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { portName } from "../../src/identity/Attachment.ts"
import type { Transact } from "../../src/ovs/client/JsonRpc.ts"
import { clientOver } from "../../src/ovs/client/OvsClient.ts"
import type { MapValue, Mutation } from "../../src/ovs/client/OvsdbMessages.ts"
import { traffic as readTraffic } from "../../src/ovs/OvsTraffic.ts"
import { Files } from "../../src/platform/Files.ts"
import { Sockets } from "../../src/platform/Sockets.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { administrator, request } from "../suites/SwitchUnderTest.ts"
import { existing, plugged, traffic } from "../suites/VswitchCalls.ts"
import { MemoryUnderTest } from "./support/MemoryUnderTest.ts"
import * as OvsMemory from "./support/OvsMemory.ts"

const seen = Effect.fnUntraced(function* (...mutations: ReadonlyArray<Mutation>) {
  const wanted = yield* request({ bridge: yield* existing() })
  yield* plugged(wanted)
  const { set } = yield* administrator
  yield* set("Interface", portName(wanted.attachment), ...mutations)
  const found = (yield* traffic).find(({ port }) => port === portName(wanted.attachment))
  return found ?? assert.fail("there is no port")
})

const counts = (pairs: Readonly<Record<string, number>>): MapValue => ["map", Object.entries(pairs)]

const of = (statistics: Readonly<Record<string, number>>) =>
  Effect.map(seen(["statistics", "insert", counts(statistics)]), ({ receive, retries, transmit }) => ({
    receive,
    retries,
    transmit
  }))

describe("counters of an Open vSwitch port", () => {
  it.effect("are the pod's: what the switch transmits, it receives", () =>
    Effect.gen(function* () {
      const { receive, transmit } = yield* of({
        tx_packets: 3,
        tx_bytes: 300,
        tx_errors: 1,
        rx_packets: 5,
        rx_bytes: 600,
        rx_errors: 2
      })
      assert.deepInclude(receive, { packets: 3, bytes: 300, errors: 1 })
      assert.deepInclude(transmit, { packets: 5, bytes: 600, errors: 2 })
    }).pipe(Effect.scoped, Effect.provide(MemoryUnderTest))
  )

  it.effect("name why packets were dropped, and their sum is the total", () =>
    Effect.gen(function* () {
      const { receive, retries, transmit } = yield* of({
        ...{ tx_dropped: 20, ovs_tx_failure_drops: 7, ovs_tx_mtu_exceeded_drops: 6, ovs_tx_qos_drops: 4 },
        ...{ ovs_tx_invalid_hwol_drops: 2, ovs_tx_retries: 11, rx_dropped: 9, ovs_rx_qos_drops: 8 }
      })
      assert.deepStrictEqual(receive.dropped, { failure: 7, mtu: 6, qos: 4, offload: 2, other: 1 })
      assert.deepStrictEqual(transmit.dropped, { qos: 8, other: 1 })
      assert.strictEqual(retries, 11)
    }).pipe(Effect.scoped, Effect.provide(MemoryUnderTest))
  )

  it.effect("are read when they exceed what a double holds exactly", () =>
    Effect.gen(function* () {
      const { receive } = yield* of({ tx_bytes: 2 ** 60 })
      assert.strictEqual(receive.bytes, 2 ** 60)
    }).pipe(Effect.scoped, Effect.provide(MemoryUnderTest))
  )

  const inServerMode: ReadonlyArray<Mutation> = [
    ["status", "delete", ["set", ["mode"]]],
    ["status", "insert", ["map", [["mode", "server"]]]],
    ["statistics", "delete", ["set", ["rx_packets"]]]
  ]

  // What Open vSwitch 3.5 writes for a connected port in server mode.
  it.effect("are absent, but for drops, where Open vSwitch does not count", () =>
    Effect.gen(function* () {
      const { receive, transmit } = yield* seen(...inServerMode, [
        "statistics",
        "insert",
        counts({ ovs_rx_qos_drops: 0, ovs_tx_failure_drops: 7, ovs_tx_qos_drops: 0 })
      ])
      assert.deepStrictEqual(receive, {
        packets: undefined,
        bytes: undefined,
        dropped: { failure: 7, qos: 0 },
        errors: undefined
      })
      assert.deepStrictEqual(transmit, { packets: undefined, bytes: undefined, dropped: { qos: 0 }, errors: undefined })
    }).pipe(Effect.scoped, Effect.provide(MemoryUnderTest))
  )

  it.effect("are there in server mode, where Open vSwitch counts", () =>
    Effect.gen(function* () {
      const { transmit } = yield* seen(...inServerMode, [
        "statistics",
        "insert",
        counts({ rx_packets: 4, rx_bytes: 256 })
      ])
      assert.deepInclude(transmit, { packets: 4, bytes: 256, errors: 0 })
    }).pipe(Effect.scoped, Effect.provide(MemoryUnderTest))
  )

  it.effect("come with the state of the link, and with what only a connected application has", () =>
    Effect.gen(function* () {
      const away = yield* seen()
      assert.deepInclude(away, { connected: false, mtu: undefined, queues: undefined, numaNode: undefined })
      const there = yield* seen(
        ["status", "delete", ["set", ["status"]]],
        [
          "status",
          "insert",
          [
            "map",
            [
              ["status", "connected"],
              ["n_rxq", "4"],
              ["numa", "1"]
            ]
          ]
        ],
        ["mtu", "delete", 0],
        ["mtu", "insert", 1500],
        ["link_resets", "insert", 6]
      )
      assert.deepInclude(there, { connected: true, mtu: 1500, queues: 4, numaNode: 1, linkResets: 6 })
    }).pipe(Effect.scoped, Effect.provide(MemoryUnderTest))
  )

  it.effect("and the interval at which they are written are read in one transaction, of one moment", () =>
    Effect.gen(function* () {
      const memory = OvsMemory.make()
      const asked: Array<ReadonlyArray<string>> = []
      const transact: Transact = (operations) =>
        Effect.suspend(() => {
          asked.push(operations.map((one) => ("table" in one ? one.table : one.op)))
          return memory.transact(operations)
        })
      yield* readTraffic(clientOver(memory.peer, transact, memory.flows), yield* Files, yield* Sockets)
      assert.deepStrictEqual(asked, [["Interface", "Open_vSwitch"]])
    }).pipe(Effect.provide([Files.layer, NodeSockets.layer]))
  )
})
