/** A scrape of a node in memory: every attachment has its series, and loses them with itself. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { all } from "../../../src/agent/metrics/Families.ts"
import * as Meter from "../../../src/agent/metrics/Meter.ts"
import { exposition } from "../../../src/agent/metrics/Registry.ts"
import * as Scrape from "../../../src/agent/metrics/Scrape.ts"
import { never, nothing } from "../../../src/attachment/heal/Decide.ts"
import * as NodeTraffic from "../../../src/attachment/traffic/NodeTraffic.ts"
import type { Control } from "../../../src/cni/network/HostPort.ts"
import { linkUp } from "../../../src/vpp/messages/Interface.ts"
import { networks } from "../../attachment/support/Networks.ts"
import { runDir, vppSocket, World } from "../../attachment/support/World.ts"

const variables = { CNI_PATH: "/opt/cni/bin" }
const now = () => ({ version: "1.2.3", started: 12, running: 1, queued: 2, unusable: 0 })
const none: NodeTraffic.NodeTraffic = { interfaces: [], silent: [], failures: [] }

const lines = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
const textOf = (registry: Parameters<typeof exposition>[0], accept?: string) =>
  Effect.map(exposition(registry, accept), ({ body }) => body)

const [one, two] = Object.entries(networks)
  .filter(([name]) => name.startsWith("VPP"))
  .map(([, asked], n) => ({
    ...asked,
    containerId: `c${n}0958c8871b32`,
    args: `K8S_POD_NAMESPACE=prod;K8S_POD_NAME=upf-${n};K8S_POD_UID=u`
  }))

const way = { packets: 1, bytes: 1, dropped: {}, errors: 0 }
const interfaceOf = (n: number): NodeTraffic.InterfaceTraffic => ({
  who: { network: "net", containerId: `c${n}`, ifName: "net1", pod: undefined },
  at: { engine: "ovs-dpdk", control: "/var/run/openvswitch/db.sock" },
  traffic: {
    ...{ key: `k${n}`, who: undefined, port: `p${n}`, receive: way, transmit: way, connected: true },
    ...{ writtenEvery: 5000, retries: undefined, linkResets: undefined, mtu: undefined },
    ...{ queues: undefined, numaNode: undefined }
  }
})

/** VPP has been there for a while: a new one is waited for. */
const started = TestClock.adjust("1 minute")

describe("a scrape", () => {
  it.effect("has the series of every interface, and no longer than it is there", () =>
    Effect.gen(function* () {
      if (one === undefined || two === undefined) return assert.fail("there are no networks")
      const world = new World()
      yield* started
      yield* world.add(one)
      yield* world.add(two)
      for (const { row } of world.vpp.server.model.interfaces.values()) {
        world.vpp.counts.set(row.interface_name, {
          "/if/rx": [[5n, 500n]],
          "/if/tx": [[3n, 180n]],
          "/if/rx-miss": [2n]
        })
        row.flags |= linkUp
      }
      yield* world.resident((switches) =>
        Effect.gen(function* () {
          const meter = Meter.make(variables)
          const context = yield* Effect.context<Effect.Services<ReturnType<typeof NodeTraffic.make>>>()
          const traffic = Effect.provideContext(NodeTraffic.make(switches, [], variables), context)
          const scrape = yield* Scrape.make({ meter, now, traffic })
          const before = lines(yield* Effect.flatMap(scrape, textOf))
          const of = (pod: string, all: ReadonlyArray<string>) => all.filter((line) => line.includes(`pod="${pod}"`))
          const name = meter.switchLabels({ engine: "vpp", control: vppSocket })[1]
          const labels = `namespace="prod",pod="upf-0",interface="net1",network="net",switch="${name}"`
          assert.includeMembers(before, [
            `userspace_cni_interface_transmit_packets_total{${labels}} 5`,
            `userspace_cni_interface_transmit_bytes_total{${labels}} 500`,
            `userspace_cni_interface_receive_packets_total{${labels}} 3`,
            `userspace_cni_interface_transmit_dropped_total{${labels},reason="miss"} 2`,
            `userspace_cni_interface_connected{${labels}} 1`,
            `userspace_cni_interface_queues{${labels}} 1`,
            "userspace_cni_interfaces 2",
            "userspace_cni_interfaces_omitted 0",
            'userspace_cni_agent_info{version="1.2.3"} 1',
            "userspace_cni_calls_queued 2"
          ])
          assert.match(name, /^vpp-[0-9a-f]{8}$/)
          assert.notInclude(before.join(), vppSocket)
          yield* world.call("DEL", one)
          // Within a second the last look is good enough.
          yield* TestClock.adjust("2 seconds")
          const after = lines(yield* Effect.flatMap(scrape, textOf))
          assert.deepStrictEqual(of("upf-0", after), [])
          assert.deepStrictEqual(of("upf-1", after), of("upf-1", before))
        })
      )
    })
  )

  it.effect("has no series of what a switch does not count", () =>
    Effect.gen(function* () {
      const way = { packets: undefined, bytes: undefined, dropped: { failure: 3 }, errors: undefined }
      const interfaces = [{ ...interfaceOf(0), traffic: { ...interfaceOf(0).traffic, receive: way, transmit: way } }]
      const traffic = Effect.succeed({ ...none, interfaces })
      const text = yield* textOf(yield* yield* Scrape.make({ meter: Meter.make(variables), now, traffic }))
      const names = lines(text).flatMap(
        (line) => /^userspace_cni_interface_((?:receive|transmit)_\w+)/.exec(line) ?? []
      )
      assert.deepStrictEqual(
        names.filter((_, index) => index % 2 === 1),
        ["receive_dropped_total", "transmit_dropped_total"]
      )
    })
  )

  it.effect("leaves interfaces out beyond its limit, and says how many", () =>
    Effect.gen(function* () {
      const interfaces = Array.from({ length: Scrape.mostInterfaces + 7 }, (_, n) => interfaceOf(n))
      const traffic = Effect.succeed({ ...none, interfaces })
      const text = yield* textOf(yield* yield* Scrape.make({ meter: Meter.make(variables), now, traffic }))
      assert.include(text, `\nuserspace_cni_interfaces ${Scrape.mostInterfaces + 7}\n`)
      assert.include(text, "\nuserspace_cni_interfaces_omitted 7\n")
      assert.lengthOf(
        lines(text).filter((line) => line.startsWith("userspace_cni_interface_connected{")),
        Scrape.mostInterfaces
      )
    })
  )

  it.effect("looks at the switches once for all that come together, and tells of the rest when one hangs", () =>
    Effect.gen(function* () {
      let looks = 0
      const traffic = Effect.suspend(() => {
        looks++
        return Effect.as(Effect.sleep("1 minute"), none)
      })
      const scrape = yield* Scrape.make({ meter: Meter.make(variables), now, traffic })
      const both = yield* Effect.forkChild(Effect.all([scrape, scrape], { concurrency: "unbounded" }))
      yield* TestClock.adjust("10 seconds")
      const [registry = assert.fail("nothing was scraped")] = yield* Fiber.join(both)
      const text = yield* textOf(registry)
      assert.strictEqual(looks, 1)
      assert.include(text, "userspace_cni_agent_info")
      assert.notInclude(text, "userspace_cni_interfaces ")
    })
  )

  it.effect("goes on for the others when the scraper that came first leaves", () =>
    Effect.gen(function* () {
      const traffic = Effect.as(Effect.sleep("2 seconds"), none)
      const scrape = yield* Scrape.make({ meter: Meter.make(variables), now, traffic })
      const first = yield* Effect.forkChild(scrape)
      yield* TestClock.adjust("1 second")
      const second = yield* Effect.forkChild(scrape)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("10 seconds")
      assert.include(yield* textOf(yield* Fiber.join(second)), "userspace_cni_interfaces 0\n")
    })
  )
})

describe("what the agent counts", () => {
  const at: Control = { engine: "ovs-dpdk", control: `${runDir}/db.sock` }
  const scraped = (meter: Meter.Meter) =>
    Effect.flatMap(Effect.flatten(Scrape.make({ meter, now, traffic: Effect.succeed(none) })), (registry) =>
      textOf(registry)
    )

  it.effect("is calls by verb, code and engine, and never by what somebody sends", () =>
    Effect.gen(function* () {
      const meter = Meter.make(variables)
      const call = { verb: "ADD", stdin: '{"host":{"engine":"vpp"}}', code: 0, seconds: 0.02 }
      meter.answered(call)
      meter.answered({ ...call, code: 11, seconds: 95 })
      meter.answered({ verb: `x${"y".repeat(1000)}`, stdin: "{", code: 4, seconds: 0.001 })
      meter.declined("busy")
      for (const result of ["posted", "posted", "limited"]) meter.event("Attached", result)
      assert.includeMembers(lines(yield* scraped(meter)), [
        'userspace_cni_calls_total{verb="ADD",code="0",engine="vpp"} 1',
        'userspace_cni_calls_total{verb="ADD",code="11",engine="vpp"} 1',
        'userspace_cni_calls_total{verb="other",code="4",engine="unknown"} 1',
        'userspace_cni_call_duration_seconds_bucket{verb="ADD",engine="vpp",le="0.01"} 0',
        'userspace_cni_call_duration_seconds_bucket{verb="ADD",engine="vpp",le="0.025"} 1',
        'userspace_cni_call_duration_seconds_bucket{verb="ADD",engine="vpp",le="90"} 1',
        'userspace_cni_call_duration_seconds_bucket{verb="ADD",engine="vpp",le="+Inf"} 2',
        'userspace_cni_call_duration_seconds_count{verb="ADD",engine="vpp"} 2',
        'userspace_cni_calls_declined_total{reason="busy"} 1',
        'userspace_cni_events_total{kind="Attached",result="posted"} 2',
        'userspace_cni_events_total{kind="Attached",result="limited"} 1'
      ])
    })
  )

  it.effect("is a switch that goes and comes back, once something is expected of it", () =>
    Effect.gen(function* () {
      const meter = Meter.make(variables)
      const error = { failed: "", cure: "", code: 11 } as const
      const node = (named: ReadonlyArray<Control>) => ({ when: 0, found: [], switches: [at], named, failures: [] })
      meter.observer.node(node([]))
      meter.observer.news(at, { _tag: "Lost", error, ended: false })
      assert.notInclude(yield* scraped(meter), "switch_up")
      meter.observer.node(node([at]))
      assert.include(yield* scraped(meter), 'userspace_cni_switch_up{engine="ovs-dpdk",switch="ovs-dpdk"} 0\n')
      meter.observer.news(at, { _tag: "Reached" })
      // The first time is no return.
      assert.notInclude(yield* scraped(meter), "reconnects")
      meter.observer.news(at, { _tag: "Lost", error, ended: false })
      // It had only stopped to answer.
      assert.notInclude(yield* scraped(meter), "switch_ends")
      meter.observer.news(at, { _tag: "Reached" })
      meter.observer.news(at, { _tag: "Lost", error, ended: true })
      meter.observer.news(at, { _tag: "Lost", error, ended: true })
      meter.observer.news(at, { _tag: "Reached" })
      const text = yield* scraped(meter)
      assert.include(text, 'userspace_cni_switch_up{engine="ovs-dpdk",switch="ovs-dpdk"} 1\n')
      assert.include(text, 'userspace_cni_switch_reconnects_total{engine="ovs-dpdk",switch="ovs-dpdk"} 2\n')
      assert.include(text, 'userspace_cni_switch_ends_total{engine="ovs-dpdk",switch="ovs-dpdk"} 1\n')
      meter.observer.ended(at)
      assert.notInclude(yield* scraped(meter), "switch_up")
    })
  )

  it.effect("is rounds, and attachments by what the last one found", () =>
    Effect.gen(function* () {
      const meter = Meter.make(variables)
      const owned = {
        ...{ network: "net", containerId: "c", ifName: "net1", pod: undefined, port: "p" },
        ...{ socketPath: undefined, state: "" }
      }
      const finding = { kind: "unrecorded", about: owned, words: "", action: { _tag: "Report" } } as const
      const round = {
        ...{ at, when: 5000, looked: 3, silent: [], memory: nothing, due: never },
        found: [{ ...finding, outcome: { _tag: "Reported" } } as const]
      }
      meter.observer.news(at, { _tag: "Reached" })
      meter.observer.round(round, round)
      const labels = 'engine="ovs-dpdk",switch="ovs-dpdk"'
      assert.includeMembers(lines(yield* scraped(meter)), [
        `userspace_cni_healing_rounds_total{${labels}} 1`,
        `userspace_cni_healing_last_round_timestamp_seconds{${labels}} 5`,
        `userspace_cni_attachments{${labels},state="well"} 3`,
        `userspace_cni_attachments{${labels},state="unrecorded"} 1`,
        `userspace_cni_attachments{${labels},state="missing"} 0`
      ])
    })
  )
})

describe("the text", () => {
  const text = (accept: string | undefined) =>
    Effect.flatMap(
      Effect.flatten(Scrape.make({ meter: Meter.make(variables), now, traffic: Effect.succeed(none) })),
      (registry) => {
        registry.add(all[0] ?? assert.fail("no family"), ['a"b\\c\nd', "", "", "", ""], 2 ** 60)
        return exposition(registry, accept)
      }
    )

  it.effect("is Prometheus' unless OpenMetrics is asked for, which ends and names families without _total", () =>
    Effect.gen(function* () {
      const plain = yield* text("text/plain;version=0.0.4;q=0.5, */*;q=0.1")
      assert.match(plain.contentType, /^text\/plain; version=0\.0\.4/)
      assert.include(plain.body, "# TYPE userspace_cni_interface_receive_packets_total counter\n")
      assert.notInclude(plain.body, "# EOF")
      const open = yield* text("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
      assert.match(open.contentType, /^application\/openmetrics-text; version=1\.0\.0/)
      assert.include(open.body, "# TYPE userspace_cni_interface_receive_packets counter\n")
      assert.include(open.body, "# HELP userspace_cni_interface_receive_packets Packets")
      assert.include(open.body, 'userspace_cni_interface_receive_packets_total{namespace="a\\"b\\\\c\\nd"')
      assert.isTrue(open.body.endsWith("\n# EOF\n"))
      for (const line of lines(plain.body)) assert.match(line, /^[a-z_]+(\{.*\})? [-+\d.e]+$/)
    })
  )

  it("has names of one kind: counters end with _total, and nothing else does", () => {
    assert.strictEqual(new Set(all.map(({ name }) => name)).size, all.length)
    for (const { name, type } of all) assert.strictEqual(name.endsWith("_total"), type === "counter", name)
  })
})
