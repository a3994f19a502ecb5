/**
 * The switch's end of layer 3 ports: addresses and routes of every form that IPAM plugins return, and those of others.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { ask } from "../../src/vpp/client/Session.ts"
import { byName } from "../../src/vpp/interfaces/Interfaces.ts"
import { attached, routeAddDel, routeLookup, routeOver } from "../../src/vpp/messages/Ip.ts"
import { removeMemif } from "../../src/vpp/messages/Ports.ts"
import type { Address } from "../../src/vswitch/Vswitch.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import {
  leavesAsFound,
  memif,
  plug,
  plugged,
  refusal,
  request,
  restore,
  unplug,
  type VppUnderTest,
  verify,
  withSession
} from "./VppUnderTest.ts"

const port = () => memif({ network: { netType: "interface" } })

/** No two tests have the same subnet; `VppPortsSuite.ts` has others. */
let subnets = 0
const subnet = () => {
  const n = ++subnets
  return { four: `10.98.${n}`, six: `fd00:98:${n}:` }
}

type Shape = (of: ReturnType<typeof subnet>) => ReadonlyArray<Address>

const shapes: Readonly<Record<string, Shape>> = {
  "a subnet and one address by a link-local gateway": ({ six }) => [
    { address: `${six}:3/64`, gateway: `${six}:1` },
    { address: `${six}f::5/128`, gateway: "fe80::1" }
  ],
  "a subnet and one address, of both families": ({ four, six }) => [
    { address: `${four}.3/25`, gateway: `${four}.1` },
    { address: `${four}.200/32`, gateway: `${four}.199` },
    { address: `${six}:3/64`, gateway: `${six}:1` },
    { address: `${six}f::5/128`, gateway: `${six}e::1` }
  ],
  "two addresses of a subnet": ({ four }) => [
    { address: `${four}.3/24`, gateway: `${four}.1` },
    { address: `${four}.4/24`, gateway: `${four}.1` }
  ],
  "two addresses with one gateway beyond": ({ four }) => [
    { address: `${four}.3/32`, gateway: `${four}.1` },
    { address: `${four}.4/32`, gateway: `${four}.1` }
  ],
  "written otherwise than VPP does": ({ six }) => [
    { address: `${six.toUpperCase()}:0:3/64`, gateway: `${six}:0:1` },
    { address: `${six.toUpperCase()}F::5/128`, gateway: `${six}E::1` }
  ],
  "no gateway": ({ four, six }) => [`${four}.3/24`, `${six}:3/128`].map((address) => ({ address, gateway: undefined }))
}

const nameOf = ({ port: name }: { readonly port: string }) => name

/** Another's route to this prefix, over one of VPP's interfaces. */
const foreignRoute = (prefix: string, over: string) => {
  const change = (is_add: boolean) =>
    withSession(
      Effect.fnUntraced(function* (session) {
        const index = (yield* byName(session, over))?.sw_if_index ?? assert.fail(`no ${over}`)
        const route = routeOver(index, prefix, attached, false)
        yield* session.call(routeAddDel, { is_add, is_multipath: false, route })
      })
    )
  return Effect.acquireRelease(change(true), () => Effect.ignore(change(false)))
}

/** Interfaces of a route to exactly this prefix. */
const leadsOver = (prefix: string) =>
  withSession(
    Effect.fnUntraced(function* (session) {
      const [found] = yield* session.read([ask(routeLookup, { table_id: 0, exact: 1, prefix })])
      return found?.retval === 0 ? found.route.paths.map(({ sw_if_index }) => sw_if_index) : []
    })
  )

export const vppRoutes = suite<VppUnderTest>("a layer 3 port of VPP", (test) => {
  for (const [name, shape] of Object.entries(shapes)) {
    test(`layer 3, ${name}: created, found, removed, with the record and without`, () =>
      Effect.gen(function* () {
        for (const known of [true, false]) {
          const addresses = shape(subnet())
          const wanted = yield* request(port(), { addresses })
          yield* leavesAsFound(
            Effect.gen(function* () {
              yield* plug(wanted)
              assert.deepStrictEqual(yield* verify(wanted), [])
              const again = yield* leavesAsFound(restore(wanted))
              assert.deepStrictEqual(again.made, [])
              yield* unplug(unplugOf(wanted, known ? { addresses } : {}))
            })
          )
        }
      }))
  }

  test("layer 3: refuses an address that another interface has, and names it", () =>
    Effect.gen(function* () {
      const { four } = subnet()
      const other = yield* plugged(yield* request(memif({ network: { netType: "none" } })))
      yield* foreignRoute(`${four}.9/32`, nameOf(other))
      const wanted = yield* request(port(), { addresses: [{ address: `${four}.9/32`, gateway: `${four}.1` }] })
      const before = yield* leadsOver(`${four}.9/32`)
      const error = yield* leavesAsFound(refusal(plug(wanted)))
      assert.strictEqual(error.code, ErrorCodes.SwitchRefused)
      assert.include(error.failed, `${four}.9/32 is already routed to interface ${nameOf(other)}`)
      assert.include(error.cure, "range of its own")
      assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [])
      assert.deepStrictEqual(yield* leadsOver(`${four}.9/32`), before)
    }))

  test("layer 3: a route that somebody took is reported, and not taken back", () =>
    Effect.gen(function* () {
      const { four } = subnet()
      const addresses = [{ address: `${four}.9/32`, gateway: `${four}.1` }]
      const other = yield* plugged(yield* request(memif({ network: { netType: "none" } })))
      const wanted = yield* request(port(), { addresses })
      const own = yield* plugged(wanted)
      yield* foreignRoute(`${four}.9/32`, nameOf(other))
      const theirs = yield* leadsOver(`${four}.9/32`)
      assert.deepStrictEqual(yield* verify(wanted), [`the route to ${four}.9 over interface ${nameOf(own)} is missing`])
      assert.include((yield* refusal(restore(wanted))).failed, `is already routed to interface ${nameOf(other)}`)
      yield* unplug(unplugOf(wanted, { addresses }))
      assert.deepStrictEqual(yield* leadsOver(`${four}.9/32`), theirs)
    }))

  test("layer 3: a missing route is reported, and restored", () =>
    Effect.gen(function* () {
      const { four } = subnet()
      const wanted = yield* request(port(), { addresses: [{ address: `${four}.9/32`, gateway: `${four}.1` }] })
      const own = yield* plugged(wanted)
      yield* Effect.scoped(foreignRoute(`${four}.9/32`, nameOf(own)))
      assert.deepStrictEqual(yield* verify(wanted), [`the route to ${four}.9 over interface ${nameOf(own)} is missing`])
      assert.deepStrictEqual((yield* restore(wanted)).made, [`settings of interface ${nameOf(own)}`])
      assert.deepStrictEqual(yield* verify(wanted), [])
    }))

  test("layer 3: a route over an interface that no longer exists blocks nobody, and is removed by DEL", () =>
    Effect.gen(function* () {
      const { four } = subnet()
      const addresses = [{ address: `${four}.9/32`, gateway: `${four}.1` }]
      const lose = (wanted: Parameters<typeof plug>[0]) =>
        Effect.flatMap(plug(wanted), ({ port: name }) =>
          withSession(
            Effect.fnUntraced(function* (session) {
              const sw_if_index = (yield* byName(session, name))?.sw_if_index ?? assert.fail(`no ${name}`)
              yield* session.call(removeMemif, { sw_if_index })
            })
          )
        )
      yield* leavesAsFound(
        Effect.gen(function* () {
          const first = yield* request(port(), { addresses })
          yield* lose(first)
          yield* unplug(unplugOf(first, { addresses }))
          assert.deepStrictEqual(yield* leadsOver(`${four}.9/32`), [])

          // Left by an earlier release.
          const gone = yield* request(port(), { addresses })
          yield* lose(gone)
          yield* unplug(unplugOf(gone))
          assert.lengthOf(yield* leadsOver(`${four}.9/32`), 1)
          const second = yield* request(port(), { addresses })
          yield* plug(second)
          assert.deepStrictEqual(yield* verify(second), [])
          yield* unplug(unplugOf(second, { addresses }))
        })
      )
    }))

  test("layer 3: refuses a gateway of another family", () =>
    Effect.gen(function* () {
      const { four } = subnet()
      for (const gateway of ["fd00::1", "fe80::1"]) {
        const wanted = yield* request(port(), { addresses: [{ address: `${four}.3/24`, gateway }] })
        const error = yield* leavesAsFound(refusal(plug(wanted)))
        assert.strictEqual(error.code, ErrorCodes.InvalidConfiguration)
        assert.include(error.failed, `gateway "${gateway}" of "${four}.3/24" is of another family`)
      }
    }))
})
