/**
 * Ports of the original plugin and its fork, on every Open vSwitch: the fork's by its marks, the original's by the
 * state file.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { LegacyAsked, LegacyPorts, VswitchError } from "../../src/vswitch/Vswitch.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { type ForkPort, forkMarks, forkPort, marks } from "./ForkPort.ts"
import { suite } from "./Suite.ts"
import { administrator, leavesAsFound, look, request, type SwitchUnderTest } from "./SwitchUnderTest.ts"
import { existing, once, plugged, unplug } from "./VswitchCalls.ts"

const legacy = <A>(ask: (ports: LegacyPorts) => Effect.Effect<A, VswitchError>) =>
  once((vswitch) => Effect.flatMap(vswitch.legacy, ask))

const remove = (asked: LegacyAsked) => legacy(({ remove }) => remove(asked))

const made = Effect.fnUntraced(function* (port: Omit<ForkPort, "socketPath">) {
  const { change } = yield* administrator
  yield* change(...forkPort({ socketPath: `/nowhere/${port.name}`, ...port }))
})

export const forkPorts = suite<SwitchUnderTest>("ports of the original and of its fork on Open vSwitch", (test) => {
  const attachment = { network: "net", containerId: "0958c8871b32cafe", ifName: "net1" }
  const own = forkMarks(attachment.containerId)
  const state = (portName: string) => ({ portName, swIfIndex: undefined })

  test("removes a port of the fork by its marks, and no other that looks like it", () =>
    Effect.gen(function* () {
      const bridge = yield* existing()
      const others: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]> = [
        ["other", forkMarks("aaaaaaaaaaaaaaaa")],
        ["alike", forkMarks("0958c8871b32beef")],
        ["net10", forkMarks(attachment.containerId, "net10")],
        ["owner", { ...own, owner: "somebody" }],
        ["half", { owner: "userspace-cni", interface: "net1" }]
      ]
      for (const [name, ids] of others) yield* made({ bridge, name: `f-${name}`, ids })
      yield* made({ bridge, name: "f-kind", ids: own, row: { type: "internal", options: marks({}) } })
      yield* made({ bridge, name: "f-ours", ids: own, port: { external_ids: marks({ "userspace-cni": "1" }) } })
      const before = yield* look
      yield* made({
        bridge,
        name: "f-own",
        ids: { ...own, "iface-id": "lsp", "ovn-installed": "true" },
        port: { tag: 5 }
      })
      assert.deepStrictEqual(yield* remove({ attachment, state: undefined }), ["port f-own"])
      assert.deepStrictEqual(yield* look, before)
      assert.deepStrictEqual(yield* remove({ attachment, state: state("f-own") }), [])
      yield* leavesAsFound(
        Effect.gen(function* () {
          for (const name of ["f-other", "f-net10", "f-owner", "f-half", "f-kind", "f-ours"]) {
            const { code, cure, failed } = yield* Effect.flip(remove({ attachment, state: state(name) }))
            assert.strictEqual(code, 106, name)
            assert.include(failed, name)
            assert.include(cure, `ovs-vsctl del-port ${name}`)
          }
          const alike = { attachment, state: state("f-alike") }
          assert.deepStrictEqual(yield* remove(alike), [])
          assert.deepStrictEqual(yield* legacy(({ find }) => find(alike)), { ports: [], isAnothers: true })
        })
      )
    }))

  test("removes a port of the original plugin by the name in its state file, and no other port", () =>
    Effect.gen(function* () {
      const { port } = yield* administrator
      const bridge = yield* existing()
      const vhost = { type: "dpdkvhostuserclient", options: ["map", [["vhost-server-path", "/nowhere/s"]]] } as const
      yield* port(bridge, "original0", vhost)
      yield* port(bridge, "marked0", vhost, { external_ids: ["map", [["iface-id", "vm"]]] })
      yield* port(bridge, "marked1", { ...vhost, external_ids: ["map", [["vm-uuid", "1"]]] })
      yield* port(bridge, "other0", { type: "internal" })
      const remembered = (portName: string) => ({ attachment, state: state(portName) })
      yield* leavesAsFound(
        Effect.gen(function* () {
          for (const name of ["marked0", "marked1", "other0"]) {
            const { code, failed } = yield* Effect.flip(remove(remembered(name)))
            assert.strictEqual(code, 106, name)
            assert.include(failed, name)
          }
          assert.deepStrictEqual(yield* remove(remembered("nothing0")), [])
          assert.deepStrictEqual(yield* remove({ attachment, state: undefined }), [])
          // Unplugging uses our mark alone.
          assert.deepStrictEqual(yield* unplug(unplugOf(yield* request({ bridge }))), [])
        })
      )
      assert.deepStrictEqual(yield* remove(remembered("original0")), ["port original0"])
    }))

  test("lists the fork's ports with bridge and socket, and nobody else's", () =>
    Effect.gen(function* () {
      const bridge = yield* existing()
      yield* plugged(yield* request({ bridge }))
      yield* made({ bridge, name: "l-own", ids: own })
      yield* made({ bridge, name: "l-half", ids: { owner: "userspace-cni" } })
      yield* made({ bridge, name: "l-none", ids: {} })
      const list = yield* legacy(({ list }) => list)
      assert.deepStrictEqual(
        list.filter((port) => port.bridge === bridge),
        [
          {
            by: "fork",
            port: "l-own",
            containerId: attachment.containerId,
            ifName: "net1",
            socketPath: "/nowhere/l-own",
            bridge
          }
        ]
      )
    }))

  test("compares such a port with the network", () =>
    Effect.gen(function* () {
      const bridge = yield* existing()
      const wanted = yield* request({ bridge, vlan: 5 })
      yield* made({ bridge, name: "c-own", ids: own, port: { tag: 5 } })
      const verify = (asked: LegacyAsked) =>
        Effect.map(
          legacy(({ verify }) => verify(asked, wanted)),
          (all) => all.map(({ what }) => what)
        )
      assert.deepStrictEqual(yield* verify({ attachment, state: undefined }), [])
      yield* (yield* administrator).set("Port", "c-own", ["tag", "delete", 5])
      assert.deepStrictEqual(yield* verify({ attachment, state: state("c-own") }), [
        "VLAN of port c-own is none, not 5"
      ])
      yield* (yield* administrator).removePort("c-own")
      assert.deepStrictEqual(yield* verify({ attachment, state: state("c-own") }), ["port c-own is missing"])
    }))
})
