/**
 * VLANs on a VPP in TypeScript: where frames arrive, the order of changes, the requests of an ADD, and existing bridge
 * domains.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { keyOf } from "../../../src/identity/Attachment.ts"
import { VppClient } from "../../../src/vpp/client/VppClient.ts"
import { attachedByEarlier, earlierTag } from "../../suites/EarlierPort.ts"
import {
  bridged,
  layersFor,
  leavesAsFound,
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

/** Ethertype 0x88b5, and bytes that VPP's filter takes for VLANs. */
const deadly = (words: string) => Buffer.from(`ffffffffffff02000000000188b5${words}`.padEnd(120, "0"), "hex")

const frames: ReadonlyArray<readonly [what: string, Buffer]> = [
  ["untagged", deadly("0000")],
  ["what ends a filter", deadly("b000")],
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

  it.effect("ports of an earlier release crash VPP with one frame, and not after they were restored", () =>
    Effect.gen(function* () {
      const { model } = yield* TestVpp
      const bridge = newDomain()
      const all = yield* Effect.forEach([7, 7, 8], (vlan) => request(memif({ network: bridged(bridge, vlan) })))
      const [from = "", to = ""] = (yield* Effect.forEach(all, attachedByEarlier)).map(({ port }) => port)
      assert.strictEqual(flood(model, from, deadly("b000")), "crash")
      // One that is moved, and two that are not yet.
      yield* restore(all[1] ?? assert.fail())
      assert.deepStrictEqual(flood(model, to, deadly("b000")), [])
      yield* Effect.forEach(all, restore)
      assert.deepStrictEqual(flood(model, from, deadly("b000")), [{ to, frame: deadly("b000") }])
    })
  )

  it.effect("a port on its way to its VLAN reaches nobody, and no frame meets its filter", () =>
    Effect.gen(function* () {
      const server = yield* TestVpp
      const { model } = server
      const bridge = newDomain()
      const all = yield* Effect.forEach([7, 8], (vlan) => request(memif({ network: bridged(bridge, vlan) })))
      const [moved = "", other = ""] = (yield* Effect.forEach(all, attachedByEarlier)).map(({ port }) => port)
      const seen: Array<string> = []
      server.intercept = (name) => {
        if (/l2_|bridge_domain_add|set_flags/.test(name)) seen.push(name)
        const own = model.named(moved)
        const before = own?.domain === bridge
        assert.isTrue(before || (own?.row.vtr_op === 0 && !own.filter), name)
        const reached = [flood(model, moved, deadly("0000")), flood(model, other, deadly("0000"))]
        assert.deepStrictEqual(reached, [[], []], name)
        return undefined
      }
      yield* restore(all[0] ?? assert.fail())
      server.intercept = () => undefined
      assert.deepStrictEqual(seen.slice(0, 5), [
        "sw_interface_set_l2_bridge",
        "l2_interface_efp_filter",
        "l2_interface_vlan_tag_rewrite",
        "bridge_domain_add_del_v2",
        "sw_interface_set_l2_bridge"
      ])
    })
  )

  it.effect(
    "an ADD inspects members only where an earlier release may have some, with the same requests for any number",
    () =>
      Effect.gen(function* () {
        const server = yield* TestVpp
        const bridge = newDomain()
        const asked = Effect.fnUntraced(function* (vlan: number | undefined) {
          const wanted = yield* request(memif({ network: bridged(bridge, vlan) }))
          const from = server.requests.length
          yield* plugged(wanted)
          return server.requests.slice(from)
        })
        // The first of each creates its bridge domain.
        for (const vlan of [7, undefined]) yield* asked(vlan)
        const alone = [yield* asked(7), yield* asked(undefined)]
        for (let n = 0; n < 20; n++) yield* asked(n % 2 === 0 ? 7 : undefined)
        assert.deepStrictEqual([yield* asked(7), yield* asked(undefined)], alone)
        const old = yield* request(memif({ network: bridged(newDomain(), 7) }))
        yield* attachedByEarlier(old)
        const network = {
          ...bridged(),
          bridgeDomain: old.port.network.netType === "bridge" ? old.port.network.bridgeDomain : 0
        }
        const from = server.requests.length
        yield* plugged(yield* request(memif({ network })))
        const dumps = (requests: ReadonlyArray<string>) =>
          requests.filter((name) => name === "sw_interface_dump").length
        // Both members are found, and the one that is moved is inspected again before.
        assert.strictEqual(dumps(server.requests.slice(from)), dumps(alone[1] ?? []) + 3)
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
            server.model.addDomain(id, { bd_tag: `${earlierTag}/${id}` })
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

  it.effect("a port of an attachment that another call works on is left to that call, and the ADD succeeds", () =>
    Effect.gen(function* () {
      const bridge = newDomain()
      const [held, free] = [
        yield* request(memif({ network: bridged(bridge, 7) })),
        yield* request(memif({ network: bridged(bridge, 7) }))
      ]
      yield* attachedByEarlier(held)
      yield* attachedByEarlier(free)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { alone } = yield* VppClient
          yield* alone(keyOf(held.attachment))
          yield* plugged(yield* request(memif({ network: bridged(bridge, 7) })))
          assert.lengthOf(yield* verify(held), 1)
          assert.deepStrictEqual(yield* verify(free), [])
        })
      ).pipe(Effect.provide(layersFor((yield* TestVpp).path)))
      yield* plugged(yield* request(memif({ network: bridged(bridge, 8) })))
      assert.deepStrictEqual(yield* verify(held), [])
    })
  )

  it.effect("a bridge above 4095 has no VLANs: a port of an earlier release stays there, and DEL removes it", () =>
    leavesAsFound(
      Effect.scoped(
        Effect.gen(function* () {
          const bridge = 5000
          const old = yield* request(memif({ network: bridged(bridge, 7) }))
          const { port } = yield* attachedByEarlier(old)
          const plain = yield* request(memif({ network: bridged(bridge) }))
          yield* plugged(plain)
          assert.match((yield* verify(old)).join(), /attached by an earlier release/)
          assert.deepStrictEqual(yield* unplug(unplugOf(old)), [`interface ${port}`, `socket ${old.socketPath}`])
          assert.include(yield* unplug(unplugOf(plain)), `bridge domain ${bridge}`)
        })
      )
    )
  )
})
