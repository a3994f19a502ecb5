/**
 * VLANs on a VPP in TypeScript: where frames arrive, the order of changes, the requests of an ADD, and existing bridge
 * domains.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { bridgeDomainTag } from "../../../src/vpp/interfaces/Mark.ts"
import { pushOne } from "../../../src/vpp/messages/BridgeDomain.ts"
import {
  bridged,
  memif,
  newDomain,
  plug,
  plugged,
  refusal,
  request,
  restore,
  unplug,
  verify
} from "../../suites/VppUnderTest.ts"
import { unplugOf } from "../../vswitch/support/UnplugOf.ts"
import { flood } from "../server/Forwarding.ts"
import * as Support from "../support/TestVpp.ts"
import { TestVpp } from "../support/TestVpp.ts"

/** Ethertype 0x88b5, and bytes that VPP's efp-filter, which no port of ours has, takes for VLANs. */
const untagged = (words: string) => Buffer.from(`ffffffffffff02000000000188b5${words}`.padEnd(120, "0"), "hex")

const frames: ReadonlyArray<readonly [what: string, Buffer]> = [
  ["untagged", untagged("0000")],
  ["what ends a filter", untagged("b000")],
  ["of its VLAN", Buffer.from(`ffffffffffff02000000000181000007${"0800".padEnd(92, "0")}`, "hex")],
  ["of another VLAN", Buffer.from(`ffffffffffff02000000000181000008${"0800".padEnd(92, "0")}`, "hex")],
  ["of two VLANs", Buffer.from(`ffffffffffff0200000000018100000881000007${"0800".padEnd(84, "0")}`, "hex")],
  ["of priority only", Buffer.from(`ffffffffffff0200000000018100e000${"0800".padEnd(92, "0")}`, "hex")]
]

layer(Support.layer("26.06"), { excludeTestServices: true })("VLANs", (it) => {
  it.effect("a pod's frames arrive unchanged in its VLAN, nowhere else, and crash nothing", () =>
    Effect.gen(function* () {
      const { model } = yield* TestVpp
      const bridge = newDomain()
      const ports = yield* Effect.forEach([7, 7, 8, undefined], (vlan) =>
        Effect.flatMap(request(memif({ network: bridged(bridge, vlan) })), plugged)
      )
      const [from = "", to = "", other = "", plain = ""] = ports.map(({ port }) => port)
      for (const [what, frame] of frames) {
        assert.deepStrictEqual(flood(model, from, frame), [{ to, frame }], what)
        assert.deepStrictEqual(flood(model, other, frame), [], what)
        assert.deepStrictEqual(flood(model, plain, frame), [], what)
      }
    })
  )

  it.effect("a port that somebody moved is in no bridge domain until it is back in its VLAN as it was", () =>
    Effect.gen(function* () {
      const server = yield* TestVpp
      const bridge = newDomain()
      const wanted = yield* request(memif({ network: bridged(bridge, 7) }))
      const { port } = yield* plugged(wanted)
      const own = server.model.named(port) ?? assert.fail()
      const other = yield* plugged(yield* request(memif({ network: bridged(bridge, 8) })))
      const elsewhere = server.model.named(other.port)?.domain
      Object.assign(own, { domain: elsewhere })
      Object.assign(own.row, { vtr_op: pushOne, vtr_push_dot1q: 1, vtr_tag1: 8 })
      const seen: Array<string> = []
      server.intercept = (name) => {
        if (/l2_|bridge_domain_add|set_flags/.test(name)) {
          if (seen.length > 0) assert.notStrictEqual(own.domain, elsewhere, name)
          seen.push(name)
        }
        return undefined
      }
      assert.deepStrictEqual((yield* restore(wanted)).made, [`settings of interface ${port}`])
      server.intercept = () => undefined
      assert.deepStrictEqual(seen.slice(0, 4), [
        "sw_interface_set_l2_bridge",
        "l2_interface_vlan_tag_rewrite",
        "bridge_domain_add_del_v2",
        "sw_interface_set_l2_bridge"
      ])
      assert.deepStrictEqual([yield* verify(wanted), own.domain, own.row.vtr_op], [[], bridge * 4096 + 7, 0])
    })
  )

  it.effect(
    "a bridge domain that another creates meanwhile is noticed before the port goes up, and the ADD is rolled back",
    () =>
      Effect.gen(function* () {
        const server = yield* TestVpp
        const bridge = newDomain()
        const wanted = yield* request(memif({ network: bridged(bridge, 7) }))
        const id = bridge * 4096 + 7
        let up = false
        server.intercept = (name) => {
          if (name.startsWith("bridge_domain_add_del") && !server.model.domains.has(id)) {
            server.model.addDomain(id, { bd_tag: bridgeDomainTag(id) })
          }
          if (name === "sw_interface_set_flags") up = true
          return undefined
        }
        const error = yield* refusal(plug(wanted))
        server.intercept = () => undefined
        assert.include(error.failed, `bridge domain ${id} already is a bridge without VLANs`)
        assert.isFalse(up)
        assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [])
      })
  )

  it.effect(
    "a bridge domain of ours learns no more MAC addresses than VPP has room for, an administrator's as configured",
    () =>
      Effect.gen(function* () {
        const { model } = yield* TestVpp
        const bridge = newDomain()
        model.addDomain(bridge, { bd_tag: "an administrator's" })
        for (const vlan of [7, undefined]) yield* plugged(yield* request(memif({ network: bridged(bridge, vlan) })))
        assert.strictEqual(model.domains.get(bridge * 4096 + 7)?.learnLimit, 16_384)
        assert.isUndefined(model.domains.get(bridge)?.learnLimit)
        model.domains.delete(bridge)
      })
  )
})
