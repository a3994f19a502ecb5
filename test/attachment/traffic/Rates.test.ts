/** Rates from readings: of current counters, of counters that are written seldom, and of those that begin anew. */
import { assert, describe, it } from "@effect/vitest"
import * as Rates from "../../../src/attachment/traffic/Rates.ts"
import type { PortTraffic } from "../../../src/vswitch/Traffic.ts"

/** `received`: packets of 100 bytes; one in ten was dropped. */
const port = (key: string, received: number, sent: number, writtenEvery: number | undefined): PortTraffic => ({
  key,
  who: { containerId: key, network: "net", ifName: "net1", pod: undefined },
  port: key,
  writtenEvery,
  receive: {
    packets: received,
    bytes: 100 * received,
    dropped: { failure: received / 20, mtu: received / 20 },
    errors: 0
  },
  transmit: { packets: sent, bytes: 100 * sent, dropped: {}, errors: 0 },
  retries: undefined,
  connected: true,
  linkResets: undefined,
  mtu: undefined,
  queues: undefined,
  numaNode: undefined
})

type Reading = Readonly<Record<string, readonly [received: number, sent: number]>>

/** A switch, read at these seconds; a rate is asked for after each reading in `due`. */
const follow = (writtenEvery: number | undefined) => {
  let readings = Rates.noReadings
  const engine = writtenEvery === undefined ? "vpp" : "ovs-dpdk"
  return (second: number, ports: Reading, due = true) => {
    const interfaces = Object.entries(ports).map(([key, [received, sent]]) => ({
      who: undefined,
      at: { engine, control: "/socket" } as const,
      traffic: port(key, received, sent, writtenEvery)
    }))
    readings = Rates.read(readings, { interfaces, silent: [], failures: [] }, second * 1000)
    if (due) readings = Rates.rate(readings)
    return Object.fromEntries(
      Rates.ratedInterfaces(readings).map(({ rates, traffic }) => [
        traffic.key,
        rates && [rates.receive.packets, rates.receive.bytes, rates.receive.dropped, rates.transmit.packets]
      ])
    )
  }
}

describe("rates of current counters", () => {
  it("are what passed since the last ones", () => {
    const read = follow(undefined)
    assert.deepStrictEqual(read(0, { a: [100, 7] }), { a: undefined })
    assert.deepStrictEqual(read(2, { a: [300, 17] }), { a: [100, 10_000, 10, 5] })
    assert.deepStrictEqual(read(3, { a: [999, 17] }, false), { a: [100, 10_000, 10, 5] })
    assert.deepStrictEqual(read(4, { a: [340, 19] }), { a: undefined })
  })

  it("have no negative one when a switch began anew, and one again afterwards", () => {
    const read = follow(undefined)
    read(0, { a: [1000, 1000] })
    assert.deepStrictEqual(read(1, { a: [10, 1000] }), { a: undefined })
    assert.deepStrictEqual(read(2, { a: [20, 1001] }), { a: [10, 1000, 1, 1] })
  })

  it("are not of a port that comes, and of none that goes", () => {
    const read = follow(undefined)
    read(0, { a: [0, 0] })
    assert.deepStrictEqual(read(1, { a: [10, 0], b: [500, 0] }), { a: [10, 1000, 1, 0], b: undefined })
    assert.deepStrictEqual(read(2, { b: [520, 0] }), { b: [20, 2000, 2, 0] })
    assert.deepStrictEqual(read(3, { a: [10, 0], b: [520, 0] }), { a: undefined, b: [0, 0, 0, 0] })
  })
})

describe("rates of counters that are written every five seconds", () => {
  it("are those of the five seconds, whenever they are read", () => {
    const read = follow(5000)
    assert.deepStrictEqual(read(0, { a: [100, 0] }), { a: undefined })
    assert.deepStrictEqual(read(1, { a: [100, 0] }), { a: undefined })
    assert.deepStrictEqual(read(2, { a: [600, 50] }), { a: [100, 10_000, 10, 10] })
    for (const second of [3, 4, 5, 6]) {
      assert.deepStrictEqual(read(second, { a: [600, 50] }), { a: [100, 10_000, 10, 10] })
    }
    assert.deepStrictEqual(read(7, { a: [700, 50] }), { a: [20, 2000, 2, 0] })
  })

  it("are zero once they must have been written, and nothing has changed", () => {
    const read = follow(5000)
    read(0, { a: [100, 0] })
    assert.deepStrictEqual(read(6, { a: [100, 0] }), { a: undefined })
    assert.deepStrictEqual(read(7, { a: [100, 0] }), { a: [0, 0, 0, 0] })
    assert.deepStrictEqual(read(8, { a: [100, 0], b: [9, 0] }), { a: [0, 0, 0, 0], b: undefined })
    assert.deepStrictEqual(read(20, { a: [100, 0], b: [9, 0] }), { a: [0, 0, 0, 0], b: [0, 0, 0, 0] })
    assert.deepStrictEqual(read(21, { a: [150, 0], b: [9, 0] }), { a: [10, 1000, 1, 0], b: [0, 0, 0, 0] })
  })

  it("are an average over several of them, when they are asked for seldom", () => {
    const read = follow(5000)
    read(0, { a: [0, 0] })
    for (const [second, received] of [
      [3, 100],
      [4, 100],
      [8, 300],
      [12, 300]
    ] as const) {
      read(second, { a: [received, 0] }, false)
    }
    assert.deepStrictEqual(read(13, { a: [600, 0] }), { a: [40, 4000, 4, 0] })
  })

  it("take no restart of ovs-vswitchd between them for packets", () => {
    const read = follow(5000)
    read(0, { a: [1000, 0] })
    read(3, { a: [1500, 0] })
    read(8, { a: [50, 0] }, false)
    assert.deepStrictEqual(read(13, { a: [9000, 0] }), { a: undefined })
    assert.deepStrictEqual(read(18, { a: [9500, 0] }), { a: [100, 10_000, 10, 0] })
  })
})
