/** What the VPP layer of `Vswitch` creates, and that it removes all of it. */
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { VppMemifPort, VppVhostPort } from "../../src/cni/network/HostPort.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { keyOf } from "../../src/identity/Attachment.ts"
import { portName, portNumber } from "../../src/vpp/interfaces/Mark.ts"
import type { Address } from "../../src/vswitch/Vswitch.ts"
import { ovsPort } from "../vswitch/support/MinimalPorts.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import {
  bridged,
  isSince,
  leavesAsFound,
  list,
  look,
  memif,
  newDomain,
  plug,
  plugged,
  preflight,
  refusal,
  request,
  status,
  tooNew,
  unplug,
  type VppUnderTest,
  verify,
  vhost
} from "./VppUnderTest.ts"

const none = { netType: "none" } as const
const layer3 = { netType: "interface" } as const

/** A subnet of this test only. */
let subnets = 0
export const addresses = (prefix4 = 24, prefix6 = 64): ReadonlyArray<Address> => {
  const n = ++subnets
  return [
    { address: `10.99.${n}.3/${prefix4}`, gateway: `10.99.${n}.1` },
    { address: `fd00:99:${n}::3/${prefix6}`, gateway: `fd00:99:${n}::1` }
  ]
}

type Kind = readonly [
  name: string,
  port: () => VppMemifPort | VppVhostPort,
  addresses?: (() => ReadonlyArray<Address>) | undefined,
  since?: number
]

/** Every kind of port, each with its requirements, and the first release with it. */
export const kinds: ReadonlyArray<Kind> = [
  ["memif, master, bridged", () => memif()],
  ["memif, slave, alone", () => memif({ role: "slave", network: none })],
  ["memif in a VLAN", () => memif({ network: bridged(newDomain(), 7) })],
  [
    "memif with every knob",
    () =>
      memif({
        mtu: 1500,
        mac: "02:aa:00:00:00:01",
        rxQueues: 2,
        txQueues: 2,
        ringSize: 512,
        bufferSize: 4096,
        secret: "s".repeat(23),
        noZeroCopy: true
      })
  ],
  ["memif with DMA", () => memif({ useDma: true }), undefined, 23.06],
  ["memif, master, on an abstract socket", () => memif({ abstract: true }), undefined, 23.06],
  ["memif, slave, on an abstract socket", () => memif({ abstract: true, role: "slave" }), undefined, 23.06],
  ["memif in mode ip", () => memif({ mode: "ip", network: none, mtu: 1400 })],
  ["memif, layer 3", () => memif({ network: layer3 }), addresses],
  ["memif, layer 3, prefixes of one address", () => memif({ network: layer3 }), () => addresses(32, 128)],
  [
    "memif, layer 3, link-local gateways",
    () => memif({ network: layer3 }),
    () =>
      addresses(32, 128).map(({ address }) => ({
        address,
        gateway: address.includes(":") ? "fe80::1" : "169.254.77.1"
      }))
  ],
  ["vhost-user, server, bridged", () => vhost()],
  ["vhost-user, client, in a VLAN", () => vhost({ mode: "client", network: bridged(newDomain(), 8) })],
  [
    "vhost-user with every knob",
    () =>
      vhost({
        mtu: 2000,
        mac: "02:aa:00:00:00:02",
        enableGso: true,
        enablePacked: true,
        enableEventIdx: true,
        network: none
      })
  ],
  ["vhost-user, layer 3", () => vhost({ network: layer3 }), addresses]
]

export const vppPorts = suite<VppUnderTest>("Vswitch on VPP", (test) => {
  for (const [name, port, ips, since = 0] of kinds) {
    test(`creates and removes: ${name}`, () =>
      Effect.gen(function* () {
        const wanted = yield* request(port(), { addresses: ips?.() ?? [] })
        if (!(yield* isSince(since))) return yield* tooNew(wanted)
        const { attachment, socketPath } = wanted
        const own = portName(wanted.port.iftype, portNumber(keyOf(attachment)))
        yield* leavesAsFound(
          Effect.gen(function* () {
            yield* leavesAsFound(preflight(wanted))
            const made = yield* plug(wanted)
            assert.strictEqual(made.port, own)
            if (wanted.port.mtu !== undefined) assert.strictEqual(made.mtu, wanted.port.mtu)
            assert.deepStrictEqual(yield* verify(wanted), [])
            assert.include(yield* unplug(unplugOf(wanted)), `interface ${own}`)
            assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [])
          })
        )
        assert.isFalse(fs.existsSync(socketPath))
      }))
  }

  test("is found without configuration, and without the path", () =>
    leavesAsFound(
      Effect.gen(function* () {
        for (const port of [memif(), vhost(), memif({ network: layer3 })]) {
          const ips = port.network.netType === "interface" ? addresses(32, 128) : []
          const wanted = yield* request(port, { addresses: ips })
          yield* plug(wanted)
          const removed = yield* unplug(unplugOf(wanted, { port: undefined, socketPath: undefined }))
          assert.lengthOf(removed, port.network.netType === "interface" ? 3 : 2)
        }
      })
    ))

  test("joins an existing bridge domain, keeps it while it is in use, and removes it when it was ours", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const domain = newDomain()
        const [one, two] = [
          yield* request(memif({ network: bridged(domain) })),
          yield* request(vhost({ network: bridged(domain) }))
        ]
        yield* plug(one)
        yield* plug(two)
        assert.notInclude(yield* unplug(unplugOf(one)), `bridge domain ${domain}`)
        assert.deepStrictEqual(yield* verify(two), [])
        assert.include(yield* unplug(unplugOf(two)), `bridge domain ${domain}`)
      })
    ))

  test("refuses a second ADD of an attachment, whose rollback leaves the first alone", () =>
    Effect.gen(function* () {
      for (const port of [memif(), vhost()]) {
        const first = yield* request(port)
        yield* plugged(first)
        const second = { ...first, invocation: randomUUID() }
        const [looked, tried] = yield* leavesAsFound(Effect.all([refusal(preflight(second)), refusal(plug(second))]))
        assert.strictEqual(looked.code, ErrorCodes.AlreadyAttached)
        assert.strictEqual(tried.code, ErrorCodes.AlreadyAttached)
        assert.deepStrictEqual(yield* unplug(unplugOf(second, { invocation: second.invocation })), [])
        assert.deepStrictEqual(yield* verify(first), [])
      }
    }))

  test("a rollback removes what its own ADD created", () =>
    leavesAsFound(
      Effect.gen(function* () {
        for (const port of [memif(), vhost({ network: none })]) {
          const wanted = yield* request(port)
          yield* plug(wanted)
          assert.isAbove((yield* unplug(unplugOf(wanted, { invocation: wanted.invocation }))).length, 0)
        }
      })
    ))

  test("lists our ports by key, of one network or of all, and removes one by its key alone", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const blue = yield* request(memif({ network: none }))
        const red = yield* request(vhost({ network: none }))
        const of = <R extends typeof blue | typeof red>(made: R, network: string): R => ({
          ...made,
          attachment: { ...made.attachment, network }
        })
        const [inBlue, inRed] = [of(blue, "blue"), of(red, "red")]
        yield* plug(inBlue)
        yield* plug(inRed)
        assert.lengthOf(yield* list(), 2)
        assert.deepStrictEqual(yield* list("green"), [])
        const [owned, ...others] = yield* list("blue")
        assert.deepStrictEqual(others, [])
        assert.deepStrictEqual(owned, {
          key: keyOf(inBlue.attachment),
          network: "blue",
          containerId: blue.attachment.containerId.slice(0, 12),
          ifName: "",
          pod: undefined,
          port: portName("memif", portNumber(keyOf(inBlue.attachment))),
          socketPath: blue.socketPath,
          state: "disconnected"
        })
        for (const { containerId, ifName, key = "", network, port, socketPath } of yield* list()) {
          const attachment = { network, containerId, ifName, netns: "", pod: undefined }
          const what = { attachment, key, invocation: undefined, port: undefined, socketPath }
          assert.deepStrictEqual(yield* unplug(what), [`interface ${port}`])
        }
      })
    ))

  test("refuses a second port in a subnet, and leaves the first", () =>
    Effect.gen(function* () {
      const ips = addresses()
      yield* plugged(yield* request(memif({ network: layer3 }), { addresses: ips }))
      const second = yield* request(memif({ network: layer3 }), { addresses: ips })
      const error = yield* leavesAsFound(refusal(plug(second)))
      assert.include(error.failed, "ADDRESS_IN_USE")
    }))

  test("twenty concurrent ADDs and DELs share one bridge domain, and nothing is left of it", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const domain = newDomain()
        const wanted = yield* Effect.forEach(Array.from({ length: 20 }), (_, n) =>
          request(n % 3 === 0 ? vhost({ network: bridged(domain) }) : memif({ network: bridged(domain) }))
        )
        yield* Effect.forEach(wanted, plug, { concurrency: "unbounded" })
        for (const one of wanted) assert.deepStrictEqual(yield* verify(one), [])
        const removed = yield* Effect.forEach(wanted, (one) => unplug(unplugOf(one)), { concurrency: "unbounded" })
        assert.lengthOf(
          removed.flat().filter((what) => what === `bridge domain ${domain}`),
          1
        )
      })
    ))

  test("a bridge domain that concurrent calls create and remove never loses a port, nor its mark", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const network = bridged()
        const hand = Effect.gen(function* () {
          for (let round = 0; round < 6; round++) {
            const wanted = yield* request(memif({ network }))
            yield* plug(wanted)
            assert.deepStrictEqual(yield* verify(wanted), [])
            yield* unplug(unplugOf(wanted))
          }
        })
        yield* Effect.all(
          Array.from({ length: 6 }, () => hand),
          { concurrency: "unbounded" }
        )
      })
    ))

  test("is ready for every kind of port, and changes nothing to find out", () =>
    leavesAsFound(
      Effect.forEach(kinds, ([, port, , since = 0]) =>
        Effect.flatMap(isSince(since), (offered) => (offered ? status({ port: port() }) : Effect.void))
      )
    ))

  test("refuses a port of another engine", () =>
    Effect.gen(function* () {
      const wanted = yield* request(vhost())
      for (const call of [plug({ ...wanted, port: ovsPort }), status({ port: ovsPort })]) {
        const error = yield* leavesAsFound(refusal(call))
        assert.strictEqual(error.code, ErrorCodes.InvalidConfiguration)
      }
    }))

  test("returns the owner in the mark", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({ network: none }))
      yield* plugged(wanted)
      const { attachment, invocation } = wanted
      const line = `userspace/1/${keyOf(attachment)}/${invocation.slice(0, 8)}`
      assert.include((yield* look).join("\n"), line)
    }))
})
