/**
 * VLANs on VPP: the bridge domain of each, who may use it, and the handling of ports that earlier releases attached.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/spec/CniError.ts"
import { run, step } from "../../src/vpp/client/Session.ts"
import { byName } from "../../src/vpp/interfaces/Interfaces.ts"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import { tagAddDel } from "../../src/vpp/messages/Interface.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { attachedByEarlier, earlierTag, kindsInVlans, makeDomain } from "./EarlierPort.ts"
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

/** An administrator's, or of an earlier release; removed when the test ends. */
const domain = (bd_id: number, tag: string) =>
  Effect.acquireRelease(
    withSession((session) => run(session, [makeDomain(bd_id, tag)])),
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

const tagged = (sw_if_index: number, tag: string) => step(tagAddDel, { is_add: tag !== "", sw_if_index, tag })

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

  test("refuses a VLAN whose number is a bridge's, of this release or of an earlier one", () =>
    Effect.gen(function* () {
      const bridge = newDomain()
      yield* plugged(yield* request(memif({ network: bridged(bridge * 4096 + 7) })))
      yield* domain(bridge * 4096 + 8, earlierTag)
      for (const vlan of [7, 8]) {
        const wanted = yield* request(memif({ network: bridged(bridge, vlan) }))
        for (const call of [preflight(wanted), plug(wanted), restore(wanted)]) {
          const error = yield* leavesAsFound(refusal(call))
          assert.include(error.failed, `bridge domain ${bridge * 4096 + vlan} already is a bridge without VLANs`)
        }
      }
    }))

  test("of a port that an earlier release attached: CHECK names the cure, and restore applies it, once", () =>
    leavesAsFound(
      Effect.gen(function* () {
        for (const of of kindsInVlans) {
          const bridge = newDomain()
          const wanted = yield* request(of({ network: bridged(bridge, 7) }))
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { port } = yield* attachedByEarlier(wanted)
              const [said = "", ...others] = yield* verify(wanted)
              assert.deepStrictEqual(others, [])
              assert.match(said, /was attached by an earlier release.*Run `userspace restore`/)
              assert.deepStrictEqual((yield* restore(wanted)).made, [`settings of interface ${port}`])
              assert.deepStrictEqual(yield* verify(wanted), [])
              assert.strictEqual(yield* rewriteOf(port), BridgeDomain.noRewrite)
              const now = yield* domains
              assert.include(now, `${bridge * 4096 + 7} userspace/1/bridge-domain/${bridge}/vlan/7 ${port}`)
              assert.notInclude(now.join("\n"), `${earlierTag} `)
              assert.deepStrictEqual((yield* leavesAsFound(restore(wanted))).made, [])
            })
          )
        }
      })
    ))

  test("the next ADD of the bridge, in a VLAN or in none, moves all ports of an earlier release, and only those", () =>
    leavesAsFound(
      Effect.gen(function* () {
        for (const vlan of [7, 8, undefined]) {
          const bridge = newDomain()
          yield* Effect.scoped(
            Effect.gen(function* () {
              const old = yield* Effect.forEach([7, 7, 9], (vlan) => request(memif({ network: bridged(bridge, vlan) })))
              for (const one of old) yield* attachedByEarlier(one)
              yield* plugged(yield* request(memif({ network: bridged(bridge, vlan) })))
              for (const one of old) assert.deepStrictEqual(yield* verify(one), [])
              const now = (yield* domains).filter((line) => line.includes("userspace/1/bridge-domain"))
              const ids = [7, 9, ...(vlan === 8 ? [8] : [])].map((vlan) => `${bridge * 4096 + vlan}`)
              // A port without a VLAN has joined the existing one, which stays with it.
              if (vlan === undefined) ids.push(`${bridge}`)
              assert.sameMembers(
                now.map((line) => line.split(" ")[0]),
                ids
              )
            })
          )
        }
      })
    ))

  test("an ADD leaves others' members of the bridge domain alone, with any rewrite", () =>
    Effect.gen(function* () {
      const bridge = newDomain()
      yield* domain(bridge, "an administrator's")
      const old = yield* request(memif({ network: bridged(bridge, 7) }))
      yield* attachedByEarlier(old)
      const other = yield* request(memif({ network: bridged(bridge) }))
      const { port } = yield* attachedByEarlier({ ...other, port: memif({ network: bridged(bridge, 5) }) })
      yield* withSession((session) =>
        Effect.flatMap(byName(session, port), (there) =>
          run(session, [tagged(there?.sw_if_index ?? 0, "somebody's port")])
        )
      )
      yield* plugged(yield* request(memif({ network: bridged(bridge, 7) })))
      assert.deepStrictEqual(yield* verify(old), [])
      assert.include(yield* domains, `${bridge} an administrator's ${port}`)
      assert.strictEqual(yield* rewriteOf(port), BridgeDomain.pushOne)
      yield* withSession((session) =>
        Effect.flatMap(byName(session, port), (there) => run(session, [tagged(there?.sw_if_index ?? 0, "")]))
      )
      yield* unplug(unplugOf(other))
    }))

  test("DEL removes a port that an earlier release attached, and its bridge domain", () =>
    leavesAsFound(
      Effect.gen(function* () {
        for (const of of kindsInVlans) {
          for (const known of [true, false]) {
            const bridge = newDomain()
            const wanted = yield* request(of({ network: bridged(bridge, 7) }))
            const { port } = yield* attachedByEarlier(wanted)
            const removed = yield* unplug(unplugOf(wanted, known ? {} : { port: undefined }))
            assert.includeMembers([...removed], [`interface ${port}`, `bridge domain ${bridge}`])
          }
        }
      })
    ))
})
