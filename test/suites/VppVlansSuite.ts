/** VLANs on VPP: the bridge domain of each, and who may use it. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { byName } from "../../src/vpp/interfaces/Interfaces.ts"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import {
  bridged,
  leavesAsFound,
  look,
  memif,
  newDomain,
  plug,
  plugged,
  preflight,
  refusal,
  request,
  restore,
  unplug,
  type VppUnderTest,
  verify,
  vhost,
  withSession
} from "./VppUnderTest.ts"

/** VPP's bridge domains as text: `4 userspace/1/bridge-domain/4 memif7/0`. */
const domains = Effect.map(look, (lines) =>
  lines.flatMap((line) => (line.startsWith("domain ") && !line.startsWith("domain 0 ") ? [line.slice(7)] : []))
)

/** An administrator's; removed when the test ends. */
const domain = (bd_id: number, bd_tag: string) =>
  Effect.acquireRelease(
    withSession((session) =>
      session.call(BridgeDomain.addDel, {
        ...{ bd_id, flood: true, uu_flood: true, forward: true, learn: true, arp_term: false },
        ...{ arp_ufwd: false, mac_age: 0, bd_tag, is_add: true }
      })
    ),
    () =>
      Effect.ignore(
        withSession((session) =>
          session.call(BridgeDomain.addDel, {
            ...{ bd_id, flood: false, uu_flood: false, forward: false, learn: false, arp_term: false },
            ...{ arp_ufwd: false, mac_age: 0, bd_tag: "", is_add: false }
          })
        )
      )
  )

const rewriteOf = (name: string) =>
  withSession((session) => Effect.map(byName(session, name), (there) => there?.vtr_op))

export const vppVlans = suite<VppUnderTest>("VLANs on VPP", (test) => {
  test("a VLAN has its own bridge domain, shared by its ports, marked, and removed with the last of them", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const bridge = newDomain()
        const seven = bridge * 4096 + 7
        const before = yield* domains
        const [one, two] = [
          yield* request(memif({ network: bridged(bridge, 7) })),
          yield* request(vhost({ network: bridged(bridge, 7) }))
        ]
        const names = [(yield* plug(one)).port, (yield* plug(two)).port].sort()
        assert.sameMembers(yield* domains, [...before, `${seven} userspace/1/bridge-domain/${bridge}/vlan/7 ${names}`])
        for (const name of names) assert.strictEqual(yield* rewriteOf(name), BridgeDomain.noRewrite)
        const plain = yield* request(memif({ network: bridged(bridge) }))
        const { port } = yield* plug(plain)
        assert.include(yield* domains, `${bridge} userspace/1/bridge-domain/${bridge} ${port}`)
        for (const wanted of [one, two, plain]) assert.deepStrictEqual(yield* verify(wanted), [])
        assert.notInclude(yield* unplug(unplugOf(one)), `bridge domain ${seven}`)
        assert.include(yield* unplug(unplugOf(two)), `bridge domain ${seven}`)
        assert.include(yield* unplug(unplugOf(plain)), `bridge domain ${bridge}`)
      })
    ))

  test("the highest number is VLAN 4094 of bridge 4095", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const wanted = yield* request(memif({ network: bridged(4095, 4094) }))
        const { port } = yield* plug(wanted)
        assert.include(yield* domains, `16777214 userspace/1/bridge-domain/4095/vlan/4094 ${port}`)
        assert.include(yield* unplug(unplugOf(wanted)), "bridge domain 16777214")
      })
    ))

  test("joins an administrator's bridge domain with the VLAN's number as it is, and leaves it there", () =>
    Effect.gen(function* () {
      const bridge = newDomain()
      yield* domain(bridge * 4096 + 9, "uplink 9")
      yield* leavesAsFound(
        Effect.gen(function* () {
          const wanted = yield* request(memif({ network: bridged(bridge, 9) }))
          const { port } = yield* plug(wanted)
          assert.include(yield* domains, `${bridge * 4096 + 9} uplink 9 ${port}`)
          assert.deepStrictEqual(yield* verify(wanted), [])
          yield* unplug(unplugOf(wanted))
        })
      )
    }))

  test("refuses a bridge whose number is another's VLAN, before any change", () =>
    Effect.gen(function* () {
      const bridge = newDomain()
      yield* plugged(yield* request(memif({ network: bridged(bridge, 7) })))
      const wanted = yield* request(memif({ network: bridged(bridge * 4096 + 7) }))
      for (const call of [preflight(wanted), plug(wanted), restore(wanted)]) {
        const error = yield* leavesAsFound(refusal(call))
        assert.strictEqual(error.code, ErrorCodes.SwitchRefused)
        assert.include(error.failed, `bridge domain ${bridge * 4096 + 7} already is VLAN 7 of bridge ${bridge}`)
        assert.include(error.cure, "Give the network another bridgeName")
      }
    }))

  test("refuses a VLAN whose number is a bridge's", () =>
    Effect.gen(function* () {
      const bridge = newDomain()
      yield* plugged(yield* request(memif({ network: bridged(bridge * 4096 + 7) })))
      const wanted = yield* request(memif({ network: bridged(bridge, 7) }))
      for (const call of [preflight(wanted), plug(wanted), restore(wanted)]) {
        const error = yield* leavesAsFound(refusal(call))
        assert.include(error.failed, `bridge domain ${bridge * 4096 + 7} already is a bridge without VLANs`)
      }
    }))
})
