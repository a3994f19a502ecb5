/**
 * The behaviour of an IPAM plugin like host-local through `Ipam`: the cases run on the layer in memory, on the real
 * layer with a small program, and on the real layer with the real host-local.
 */
import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import { Context, Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import type { Delegation, Ipam } from "../../src/ipam/Ipam.ts"
import { suite } from "./Suite.ts"

export class IpamUnderTest extends Context.Service<
  IpamUnderTest,
  {
    readonly ipam: Ipam["Service"]
    /** CNI_PATH, with a plugin `host-local`. */
    readonly path: string
    /** The `ipam` section besides the range. */
    readonly settings: Readonly<Record<string, unknown>>
  }
>()("userspace-cni/test/IpamUnderTest") {}

interface Wanted {
  readonly network?: string
  readonly containerId?: string
  readonly ifName?: string
  readonly plugin?: string
  /** Undefined: none. */
  readonly range?: Readonly<Record<string, unknown>> | undefined
}

const small = { subnet: "10.9.8.0/24", rangeStart: "10.9.8.1", rangeEnd: "10.9.8.3", gateway: "10.9.8.1" }

const delegate = Effect.fnUntraced(function* (wanted: Wanted) {
  const { path, settings } = yield* IpamUnderTest
  const { containerId = randomUUID(), ifName = "net1", network = `n-${randomUUID()}`, plugin = "host-local" } = wanted
  const range = "range" in wanted ? wanted.range : small
  const routes = [{ dst: "10.0.0.0/8", gw: "10.9.8.1" }]
  const ipam = { type: plugin, ...settings, ...range, routes }
  const delegation: Delegation = {
    plugin,
    configuration: JSON.stringify({ cniVersion: "1.0.0", name: network, type: "userspace", ipam }),
    path: path.split(":"),
    variables: {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: containerId,
      CNI_NETNS: "/proc/self/ns/net",
      CNI_IFNAME: ifName,
      CNI_PATH: path,
      PATH: process.env["PATH"]
    }
  }
  return delegation
})

const add = (delegation: Delegation) => Effect.flatMap(IpamUnderTest, ({ ipam }) => ipam.add(delegation))
const preflight = (delegation: Delegation) => Effect.flatMap(IpamUnderTest, ({ ipam }) => ipam.preflight(delegation))
const del = (delegation: Delegation) => Effect.flatMap(IpamUnderTest, ({ ipam }) => ipam.del(delegation))
const check = (delegation: Delegation) => Effect.flatMap(IpamUnderTest, ({ ipam }) => ipam.check(delegation))
const gc = (delegation: Delegation) => Effect.flatMap(IpamUnderTest, ({ ipam }) => ipam.gc(delegation))
const status = (delegation: Delegation) => Effect.flatMap(IpamUnderTest, ({ ipam }) => ipam.status(delegation))
const addresses = (delegation: Delegation) =>
  Effect.map(add(delegation), ({ ips }) => ips.map(({ address }) => address))

export const ipamLeases = suite<IpamUnderTest>("Ipam", (test) => {
  test("assigns the addresses of the range in order, with gateway and routes, never the gateway's", () =>
    Effect.gen(function* () {
      const network = `n-${randomUUID()}`
      const { ips, routes } = yield* add(yield* delegate({ network }))
      assert.deepStrictEqual(ips, [{ address: "10.9.8.2/24", gateway: "10.9.8.1" }])
      assert.deepStrictEqual(routes, [{ dst: "10.0.0.0/8", gw: "10.9.8.1" }])
      assert.deepStrictEqual(yield* addresses(yield* delegate({ network })), ["10.9.8.3/24"])
    }))

  test("refuses a second ADD of an attachment, and leaves the first its address", () =>
    Effect.gen(function* () {
      const delegation = yield* delegate({})
      yield* add(delegation)
      const error = yield* Effect.flip(add(delegation))
      assert.strictEqual(error.code, ErrorCodes.IpamFailed)
      assert.include(
        error.failed,
        "host-local ADD: code 999: failed to allocate for range 0: 10.9.8.2 has been allocated"
      )
      yield* check(delegation)
    }))

  test("releases the address on DEL, which always succeeds", () =>
    Effect.gen(function* () {
      const network = `n-${randomUUID()}`
      const delegation = yield* delegate({ network })
      yield* del(delegation)
      yield* add(delegation)
      yield* del(delegation)
      yield* del(delegation)
      yield* add(delegation)
    }))

  test("passes CHECK while the address is held, and not after", () =>
    Effect.gen(function* () {
      const delegation = yield* delegate({})
      yield* add(delegation)
      yield* check(delegation)
      yield* del(delegation)
      const error = yield* Effect.flip(check(delegation))
      assert.strictEqual(error.operation, `${delegation.plugin} CHECK`)
      assert.include(error.failed, "Failed to find address added by container")
    }))

  test("accepts GC and STATUS, which it does not know or has nothing to do for", () =>
    Effect.gen(function* () {
      const delegation = yield* delegate({})
      const { CNI_CONTAINERID: _, CNI_IFNAME: __, CNI_NETNS: ___, ...variables } = delegation.variables
      yield* add(delegation)
      for (const asked of [delegation, { ...delegation, variables }]) {
        yield* gc(asked)
        yield* status(asked)
      }
      yield* check(delegation)
    }))

  test("reports a full range, and assigns an address that is released", () =>
    Effect.gen(function* () {
      const network = `n-${randomUUID()}`
      const first = yield* delegate({ network })
      const [given] = yield* addresses(first)
      yield* add(yield* delegate({ network }))
      const third = yield* delegate({ network })
      const error = yield* Effect.flip(add(third))
      assert.strictEqual(error.code, ErrorCodes.IpamFailed)
      assert.include(error.failed, "no IP addresses available in range set: 10.9.8.1-10.9.8.3")
      yield* del(first)
      assert.deepStrictEqual(yield* addresses(third), [given])
    }))

  test("keeps interfaces of a container, and networks, separate", () =>
    Effect.gen(function* () {
      const containerId = randomUUID()
      const network = `n-${randomUUID()}`
      const [one, two] = yield* Effect.all([
        delegate({ containerId, network, ifName: "net1" }),
        delegate({ containerId, network, ifName: "net10" })
      ])
      assert.deepStrictEqual(yield* addresses(one), ["10.9.8.2/24"])
      assert.deepStrictEqual(yield* addresses(two), ["10.9.8.3/24"])
      yield* del(one)
      yield* check(two)
      assert.deepStrictEqual(yield* addresses(yield* delegate({ containerId })), ["10.9.8.2/24"])
    }))

  test("names the directories when the plugin is in none of them", () =>
    Effect.gen(function* () {
      const { path } = yield* IpamUnderTest
      const delegation = yield* delegate({ plugin: "no-such-plugin" })
      const calls = { ADD: add, DEL: del, CHECK: check, GC: gc, STATUS: status }
      for (const [verb, call] of [["ADD", preflight] as const, ...Object.entries(calls)]) {
        const error = yield* Effect.flip(call(delegation))
        assert.strictEqual(error.reason._tag, "NotFound")
        assert.include(error.failed, `no-such-plugin ${verb}: not found along CNI_PATH=${path}`)
        assert.include(error.cure, "/opt/cni/bin")
      }
    }))

  test("assigns no address on a lookup", () =>
    Effect.gen(function* () {
      const delegation = yield* delegate({})
      yield* preflight(delegation)
      assert.strictEqual((yield* Effect.flip(check(delegation))).reason._tag, "Refused")
      assert.deepStrictEqual(yield* addresses(delegation), ["10.9.8.2/24"])
    }))

  test("reports a section without a range", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(add(yield* delegate({ range: undefined })))
      assert.include(error.failed, "no IP ranges specified")
    }))
})

/** What the small program of the unit tests lacks. */
export const ipamRanges = suite<IpamUnderTest>("Ipam, with sets of ranges", (test) => {
  test("assigns one address from each set, of both families", () =>
    Effect.gen(function* () {
      const both = { ranges: [[{ subnet: "10.9.8.0/24" }], [{ subnet: "fd00:9::/64", gateway: "fd00:9::ff" }]] }
      const { ips } = yield* add(yield* delegate({ range: both }))
      assert.deepStrictEqual(ips, [
        { address: "10.9.8.2/24", gateway: "10.9.8.1" },
        { address: "fd00:9::1/64", gateway: "fd00:9::ff" }
      ])
    }))

  test("releases its addresses when a later set is full", () =>
    Effect.gen(function* () {
      const network = `n-${randomUUID()}`
      const range = {
        ranges: [
          [{ subnet: "10.9.8.0/24" }],
          [{ ...small, subnet: "10.9.7.0/24", rangeStart: "10.9.7.2", rangeEnd: "10.9.7.2", gateway: "10.9.7.1" }]
        ]
      }
      const first = yield* delegate({ network, range })
      const second = yield* delegate({ network, range })
      yield* add(first)
      assert.include((yield* Effect.flip(add(second))).failed, "failed to allocate for range 1")
      yield* Effect.flip(check(second))
    }))

  test("continues with the next range of a set, and round again", () =>
    Effect.gen(function* () {
      const network = `n-${randomUUID()}`
      const two = (subnet: string, from: string, to: string) => ({ subnet, rangeStart: from, rangeEnd: to })
      const range = {
        ranges: [[two("10.9.8.0/24", "10.9.8.9", "10.9.8.9"), two("10.9.6.0/24", "10.9.6.7", "10.9.6.8")]]
      }
      const given = []
      const delegations = []
      for (let index = 0; index < 3; index++) {
        const delegation = yield* delegate({ network, range })
        delegations.push(delegation)
        given.push(...(yield* addresses(delegation)))
      }
      assert.deepStrictEqual(given, ["10.9.8.9/24", "10.9.6.7/24", "10.9.6.8/24"])
      yield* Effect.forEach(delegations, del)
      assert.deepStrictEqual(yield* addresses(yield* delegate({ network, range })), ["10.9.8.9/24"])
    }))

  for (const [range, said] of [
    [{ subnet: "10.9.8.0/31" }, "too small to allocate from"],
    [{ subnet: "10.9.8.0/24", rangeStart: "10.9.7.1" }, "RangeStart 10.9.7.1 not in network 10.9.8.0/24"],
    [{ subnet: "10.9.8.0/24", rangeEnd: "10.9.9.1" }, "RangeEnd 10.9.9.1 not in network 10.9.8.0/24"]
  ] as const) {
    test(`refuses ${JSON.stringify(range)}`, () =>
      Effect.gen(function* () {
        assert.include((yield* Effect.flip(add(yield* delegate({ range })))).failed, said)
      }))
  }
})
