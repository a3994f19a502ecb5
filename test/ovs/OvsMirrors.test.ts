/** Captures on Open vSwitch in memory: what they add, what stays when they are killed, and who may remove it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { devicesOf } from "../../src/attachment/capture/Capture.ts"
import { type Attachment, portName } from "../../src/identity/Attachment.ts"
import { map, named, type Operation, set, uuid } from "../../src/ovs/client/OvsdbMessages.ts"
import { make } from "../../src/ovs/OvsMirrors.ts"
import type { Edges } from "../../src/platform/Edges.ts"
import * as Lease from "../../src/vswitch/Mirrors.ts"
import { add, removePort } from "../cli/support/Attached.ts"
import { type } from "../cli/support/Terminal.ts"
import { database, make as makeNode, type Node } from "../dry-run/support/MemoryNode.ts"

const attachment: Attachment = { network: "net-a", containerId: "c1", ifName: "net1", netns: "", pod: undefined }
const port = portName(attachment)
const devices = devicesOf(attachment)
const names = [devices.outbound, devices.inbound]

const alive = (node: Node) => {
  node.files.put(`/proc/${process.pid}/stat`, "file", `1 (x) S ${"0 ".repeat(18)}99 0`)
  node.files.put("/proc/self/ns/pid", "symlink", "pid:[1]")
}

const prepared = Effect.fnUntraced(function* (conf: Readonly<Record<string, unknown>> = {}) {
  const node = makeNode()
  yield* add(node, "c1", {}, conf)
  alive(node)
  for (const name of names) node.ovs.devices.add(name)
  return { node, before: node.ovs.dump() }
})

const on = <A, E>(node: Node, self: Effect.Effect<A, E, Scope.Scope | Edges>) =>
  Effect.scoped(self).pipe(Effect.provide(node.edges))

const begun = Effect.gen(function* () {
  const mirrors = yield* make(database)
  return { mirrors, mirrored: yield* mirrors.mirror(attachment, devices, yield* Lease.own) }
})

/** A capture that nothing ends in order. */
const killed = Effect.fnUntraced(function* (node: Node) {
  const scope = yield* Scope.make()
  yield* begun.pipe(Scope.provide(scope), Effect.provide(node.edges))
  return scope
})

const captureRows = ({ ovs }: Node) => ovs.dump().filter((row) => row.includes("userspace-cni-capture"))

const select = (table: string, columns: ReadonlyArray<string>): Operation => ({
  op: "select",
  table,
  where: [],
  columns
})

const rows = Effect.fnUntraced(function* ({ ovs }: Node, table: string, ...columns: ReadonlyArray<string>) {
  const [result] = yield* ovs.transact([select(table, ["_uuid", "name", ...columns])])
  const all: ReadonlyArray<Readonly<Record<string, unknown>>> = JSON.parse(JSON.stringify(result?.rows ?? []))
  return new Map(all.map((row) => [String(row["name"]), row]))
})

describe("a capture on Open vSwitch", () => {
  it.effect("mirrors what the port sends to one device and what it receives to another, and is gone afterwards", () =>
    Effect.gen(function* () {
      const { before, node } = yield* prepared({ host: { ...vlanned } })
      yield* on(
        node,
        Effect.gen(function* () {
          const { mirrored } = yield* begun
          assert.strictEqual(mirrored.port, port)
          assert.isTrue(yield* mirrored.there)
          const ports = yield* rows(node, "Port", "tag")
          const mirrors = yield* rows(node, "Mirror", "select_src_port", "select_dst_port", "output_port")
          const id = (name: string) => ports.get(name)?.["_uuid"]
          const none = ["set", []]
          assert.deepStrictEqual(pick(mirrors.get(devices.outbound)), [id(port), none, id(devices.outbound)])
          assert.deepStrictEqual(pick(mirrors.get(devices.inbound)), [none, id(port), id(devices.inbound)])
          // The tag that its bridge knows the packet by is none of the pod's.
          for (const name of names) assert.strictEqual(ports.get(name)?.["tag"], 7)
        })
      )
      assert.deepStrictEqual(node.ovs.dump(), before)
    })
  )

  it.effect("is refused where there is one, which names its process; a port that is not there as well", () =>
    Effect.gen(function* () {
      const { node } = yield* prepared()
      yield* on(
        node,
        Effect.gen(function* () {
          const { mirrors } = yield* begun
          const here = captureRows(node)
          const error = yield* Effect.flip(Effect.scoped(mirrors.mirror(attachment, devices, other)))
          assert.strictEqual(error.code, 102)
          assert.include(error.failed, `port ${port} is being captured already, by process ${process.pid}`)
          assert.include(error.cure, `kill ${process.pid}`)
          assert.deepStrictEqual(captureRows(node), here)
          const absent = { ...attachment, ifName: "net9" }
          const missing = yield* Effect.flip(Effect.scoped(mirrors.mirror(absent, devicesOf(absent), other)))
          assert.include(missing.failed, "the switch has no port of this attachment")
        })
      )
      assert.deepStrictEqual(captureRows(node), [])
    })
  )

  it.effect("leaves nothing when ovs-vswitchd cannot open its devices", () =>
    Effect.gen(function* () {
      const { before, node } = yield* prepared()
      node.ovs.devices.delete(devices.inbound)
      const error = yield* Effect.flip(on(node, begun))
      assert.include(error.failed, `cannot use the tap devices of the capture: ${devices.inbound}: could not open`)
      assert.deepStrictEqual(node.ovs.dump(), before)
    })
  )

  it.effect(
    "sees that its port went, renews its lease without moving next_cfg, and ends with the bridge that is ours",
    () =>
      Effect.gen(function* () {
        const { node } = yield* prepared()
        yield* on(
          node,
          Effect.gen(function* () {
            const { mirrored } = yield* begun
            const leases = captureRows(node).join()
            yield* TestClock.adjust("20 seconds")
            const transactions = node.transactions.length
            assert.isTrue(yield* mirrored.renew(yield* Lease.renewed(yield* Lease.own)))
            assert.notStrictEqual(captureRows(node).join(), leases)
            assert.notInclude(JSON.stringify(node.transactions.slice(transactions)), "next_cfg")
            yield* removePort(node, port)
            assert.isFalse(yield* mirrored.there)
          })
        )
        assert.deepStrictEqual(
          node.ovs.dump().filter((row) => /^(Bridge|Port|Mirror)/.test(row)),
          []
        )
      })
  )

  it.effect("that was killed is removed by the next look at the switch, and by no look before", () =>
    Effect.gen(function* () {
      const { before, node } = yield* prepared()
      yield* killed(node)
      const look = on(
        node,
        Effect.flatMap(make(database), ({ sweep }) => sweep)
      )
      assert.deepStrictEqual(yield* look, [])
      assert.strictEqual(captureRows(node).length, 6)
      node.files.remove(`/proc/${process.pid}/stat`)
      assert.deepStrictEqual((yield* look).toSorted(), [
        ...names.toSorted().map((name) => `mirror ${name}`),
        ...names.toSorted().map((name) => `port ${name}`)
      ])
      assert.deepStrictEqual(node.ovs.dump(), before)
    })
  )

  it.effect.each(["agent --once", "gc --by-sandbox"])("that was killed is removed by `userspace %s`", (line) =>
    Effect.gen(function* () {
      const { before, node } = yield* prepared()
      yield* killed(node)
      node.files.remove(`/proc/${process.pid}/stat`)
      yield* type(node, line.split(" "))
      assert.deepStrictEqual(node.ovs.dump(), before)
    })
  )

  it.effect.each([
    "list",
    "check",
    "doctor",
    "status",
    "agent --once --dry-run",
    "gc --by-sandbox --dry-run",
    "restore --dry-run"
  ])("that was killed is left by what only looks: `userspace %s`", (line) =>
    Effect.gen(function* () {
      const { node } = yield* prepared()
      yield* killed(node)
      node.files.remove(`/proc/${process.pid}/stat`)
      const state = node.state()
      yield* type(node, line.split(" "))
      assert.isNotEmpty(captureRows(node))
      assert.deepStrictEqual(node.state(), state)
    })
  )

  it.effect("that was killed is in the way of no other: it is removed first", () =>
    Effect.gen(function* () {
      const { node } = yield* prepared()
      yield* killed(node)
      yield* TestClock.adjust(`${Lease.lasts + 1} seconds`)
      assert.strictEqual(
        yield* on(
          node,
          Effect.map(begun, () => captureRows(node).length)
        ),
        6
      )
    })
  )

  it.effect("whose lease ended takes nothing away from the next one", () =>
    Effect.gen(function* () {
      const { node } = yield* prepared()
      const first = yield* killed(node)
      yield* TestClock.adjust(`${Lease.lasts + 1} seconds`)
      yield* on(
        node,
        Effect.gen(function* () {
          const mirrors = yield* make(database)
          yield* mirrors.mirror(attachment, devices, other)
          yield* Scope.close(first, Exit.void).pipe(Effect.provide(node.edges))
          assert.strictEqual(captureRows(node).length, 6)
        })
      )
    })
  )

  it.effect("touches no mirror and no port of others", () =>
    Effect.gen(function* () {
      const { node } = yield* prepared()
      const bridges = yield* rows(node, "Bridge")
      const [bridge = {}] = [...bridges.values()]
      yield* node.ovs.transact(administrators(String(JSON.parse(JSON.stringify(bridge["_uuid"]))[1])))
      node.ovs.look()
      const before = node.ovs.dump()
      yield* on(node, begun)
      yield* killed(node)
      node.files.remove(`/proc/${process.pid}/stat`)
      yield* on(
        node,
        Effect.flatMap(make(database), ({ sweep }) => sweep)
      )
      assert.deepStrictEqual(node.ovs.dump(), before)
    })
  )
})

const vlanned = {
  engine: "ovs-dpdk",
  iftype: "vhostuser",
  netType: "bridge",
  vhost: { mode: "client" },
  bridge: { bridgeName: "br0", vlanId: 7 }
}

const other: Lease.Lease = { process: "zz.zz.zz", expires: 9 }

const pick = (row: Readonly<Record<string, unknown>> = {}) => [
  row["select_src_port"],
  row["select_dst_port"],
  row["output_port"]
]

const administrators = (bridge: string): ReadonlyArray<Operation> => [
  { op: "insert", table: "Interface", "uuid-name": "i", row: { name: "tap0", type: "internal" } },
  { op: "insert", table: "Port", "uuid-name": "p", row: { name: "tap0", interfaces: named("i") } },
  {
    op: "insert",
    table: "Mirror",
    "uuid-name": "m",
    row: { name: "span0", output_port: named("p"), external_ids: map({ owner: "somebody" }) }
  },
  {
    op: "mutate",
    table: "Bridge",
    where: [["_uuid", "==", uuid(bridge)]],
    mutations: [
      ["ports", "insert", set([named("p")])],
      ["mirrors", "insert", set([named("m")])]
    ]
  }
]
