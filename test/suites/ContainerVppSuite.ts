/** The effect of `container vpp` on the VPP of a container, on every layer of {@link VppUnderTest}. */
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { MemifInterface } from "../../src/container/read/Interface.ts"
import { keyOf } from "../../src/container/vpp/Link.ts"
import { portName, portNumber } from "../../src/vpp/interfaces/Mark.ts"
import { addDelAddress, tagAddDel } from "../../src/vpp/messages/Interface.ts"
import {
  byHand,
  configured,
  details,
  lastNumber,
  memif,
  one,
  ours,
  removed,
  removedAfter,
  vhost
} from "../container/support/ContainerVpp.ts"
import { suite } from "./Suite.ts"
import { leavesAsFound, look, VppUnderTest, withSession } from "./VppUnderTest.ts"

export const containerVpp = suite<VppUnderTest>("container vpp", (test) => {
  test("ten at once create one interface", () =>
    Effect.gen(function* () {
      const wanted = yield* memif({})
      yield* removedAfter(wanted.name)
      const made = yield* Effect.forEach(Array.from({ length: 10 }), () => one(wanted), { concurrency: "unbounded" })
      assert.deepStrictEqual(made.map(({ was }) => was).sort(), [...Array.from({ length: 9 }, () => "kept"), "made"])
      assert.lengthOf(yield* ours(wanted.name), 1)
    }))

  const kinds: ReadonlyArray<readonly [string, Partial<MemifInterface>]> = [
    ["a slave", {}],
    ["a master", { role: "master" }],
    ["every knob", { rxQueues: 2, txQueues: 2, ringSize: 512, bufferSize: 4096, secret: Redacted.make("hush") }],
    ["mode ip", { mode: "ip", mac: undefined }],
    ["no mac, no mtu, no addresses", { mac: undefined, mtu: undefined, addresses: [], routes: [] }]
  ]
  for (const [what, more] of kinds) {
    test(`creates a memif once, however often it runs: ${what}`, () =>
      Effect.gen(function* () {
        const wanted = yield* memif(more)
        yield* removedAfter(wanted.name)
        const made = yield* one(wanted)
        assert.strictEqual(made.was, "made")
        assert.deepStrictEqual(made.notes, [])
        const [there, ...others] = yield* ours(wanted.name)
        assert.deepStrictEqual(others, [])
        assert.strictEqual(there?.name, made.vppName)
        assert.isTrue(there?.up)
        if (wanted.mac !== undefined) assert.strictEqual(there?.mac, wanted.mac)
        if (wanted.mtu !== undefined) assert.strictEqual(there?.mtu, wanted.mtu)
        assert.deepStrictEqual(
          there?.addresses,
          wanted.addresses.map(({ address }) => address)
        )
        assert.deepStrictEqual(
          there?.routes,
          wanted.routes.map(({ dst }) => dst)
        )
        yield* leavesAsFound(
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* one(wanted), { ...made, was: "kept" })
            assert.deepStrictEqual(yield* ours(wanted.name), [there])
          })
        )
      }))
  }

  test("recognizes addresses and networks in any spelling", () =>
    Effect.gen(function* () {
      const plain = yield* memif()
      const n = lastNumber()
      const wanted: MemifInterface = {
        ...plain,
        addresses: [{ address: `FD00:0077:${n}:0::0002/64`, gateway: undefined }],
        routes: [
          { dst: `10.78.${n}.9/24`, gateway: undefined },
          { dst: `FD00:78:${n}:0::7/64`, gateway: undefined }
        ]
      }
      yield* removedAfter(wanted.name)
      const made = yield* one(wanted)
      const there = yield* ours(wanted.name)
      assert.deepStrictEqual(there[0]?.addresses, [`fd00:77:${n}::2/64`])
      assert.deepStrictEqual(there[0]?.routes, [`10.78.${n}.0/24`, `fd00:78:${n}::/64`])
      yield* leavesAsFound(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* one(wanted), { ...made, was: "kept" })
          assert.deepStrictEqual(yield* ours(wanted.name), there)
        })
      )
    }))

  test("replaces one that was created for something else, with its routes, and nothing beside it", () =>
    Effect.gen(function* () {
      const before = yield* memif({ role: "master" })
      const beside = yield* memif()
      yield* removedAfter(before.name)
      yield* removedAfter(beside.name)
      yield* configured(before, beside)
      const other = yield* ours(beside.name)
      const after: MemifInterface = { ...before, role: "slave", routes: [] }
      assert.strictEqual((yield* one(after)).was, "made")
      const [there, ...others] = yield* ours(before.name)
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(there?.routes, [])
      assert.notInclude((yield* look).join("\n"), `route ${before.routes[0]?.dst}`)
      assert.deepStrictEqual(yield* ours(beside.name), other)
    }))

  test("completes a killed run", () =>
    Effect.gen(function* () {
      const wanted = yield* memif()
      yield* removedAfter(wanted.name)
      const number = portNumber(keyOf(wanted.name))
      yield* byHand(number, wanted.socket)
      const made = yield* one(wanted)
      assert.deepStrictEqual([made.was, made.vppName], ["made", portName("memif", number)])
      assert.lengthOf(yield* ours(wanted.name), 1)
    }))

  test("takes another number when the first one is in use", () =>
    Effect.gen(function* () {
      const wanted = yield* memif()
      yield* removedAfter(wanted.name)
      const index = yield* byHand(portNumber(keyOf(wanted.name)), `${wanted.socket}.other`)
      yield* Effect.addFinalizer(() => Effect.ignore(removed(index)))
      yield* withSession((session) => session.call(tagAddDel, { is_add: true, sw_if_index: index, tag: "mine" }))
      assert.strictEqual((yield* one(wanted)).vppName, portName("memif", portNumber(keyOf(wanted.name), 1)))
      assert.strictEqual((yield* one(wanted)).was, "kept")
    }))

  test("does not put a second interface on a link that has one", () =>
    Effect.gen(function* () {
      const wanted = yield* memif()
      const index = yield* byHand(4242, wanted.socket)
      yield* Effect.addFinalizer(() => Effect.ignore(removed(index)))
      const error = yield* leavesAsFound(Effect.flip(one(wanted)))
      assert.include(error.message, "memif4242/0 of this VPP already uses")
      yield* removed(index)
      yield* removedAfter(wanted.name)
      assert.strictEqual((yield* one(wanted)).was, "made")
    }))

  test("leaves addresses that others added, and destinations that lead elsewhere", () =>
    Effect.gen(function* () {
      const first = yield* memif()
      const second = yield* memif({ routes: first.routes })
      yield* removedAfter(first.name)
      yield* removedAfter(second.name)
      const made = yield* one(first)
      const prefix = `192.168.${lastNumber()}.1/24`
      yield* withSession((session) =>
        session.call(addDelAddress, { sw_if_index: made.index, is_add: true, del_all: false, prefix })
      )
      assert.deepStrictEqual(
        (yield* one(second)).notes,
        first.routes.map(({ dst }) => `${dst} is already routed elsewhere; not changed`)
      )
      assert.deepStrictEqual((yield* one(first)).notes, [])
      assert.include((yield* ours(first.name))[0]?.addresses ?? [], prefix)
      assert.deepStrictEqual((yield* ours(second.name))[0]?.routes, [])
    }))

  test("reaches a gateway outside of the address' prefix, and accepts an address without one", () =>
    Effect.gen(function* () {
      const n = lastNumber() + 1
      const wanted = yield* memif({
        addresses: [{ address: `10.77.${n}.2`, gateway: `169.254.${n}.1` }],
        routes: [{ dst: "0.0.0.0/0", gateway: undefined }]
      })
      yield* removedAfter(wanted.name)
      yield* one(wanted)
      const [there] = yield* ours(wanted.name)
      assert.deepStrictEqual(there?.addresses, [`10.77.${n}.2/32`])
      assert.deepStrictEqual(there?.routes, ["0.0.0.0/0", `169.254.${n}.1/32`])
      // A role is changed by a new interface: nothing of the old one stays.
      yield* one({ ...wanted, role: "master", routes: [], addresses: [] })
      assert.deepStrictEqual((yield* ours(wanted.name))[0]?.routes, [])
      assert.notMatch((yield* look).join("\n"), /169\.254/)
    }))

  test("configures a vhost-user end that DPDK created, and explains how to create it otherwise", () =>
    Effect.gen(function* () {
      const like = yield* memif()
      const wanted = vhost(like)
      const error = yield* leavesAsFound(Effect.flip(one(wanted)))
      assert.include(error.message, `vdev net_virtio_user0,path=${wanted.socket},mac=${wanted.mac},server=1`)
      assert.include(error.message, "startup.conf")
      const index = yield* byHand(4343, like.socket, wanted.mac)
      yield* Effect.addFinalizer(() => Effect.ignore(removed(index)))
      assert.deepInclude(yield* one(wanted), { was: "there", index, vppName: "memif4343/0" })
      const there = yield* withSession((session) => details(session, index))
      assert.deepInclude(there, { up: true, mtu: 1400, addresses: wanted.addresses.map(({ address }) => address) })
      yield* leavesAsFound(one(wanted))
    }))

  test("reports which address VPP refuses, and completes the interface once that is resolved", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* memif({ routes: [] }), yield* memif({ routes: [] })]
      yield* removedAfter(first.name)
      yield* removedAfter(second.name)
      yield* one(first)
      const clashing = { ...second, addresses: first.addresses }
      const error = yield* Effect.flip(one(clashing))
      assert.include(error.message, `cannot configure ${second.name}`)
      assert.include(error.message, "sw_interface_add_del_address")
      assert.strictEqual((yield* one(second)).was, "kept")
      assert.deepStrictEqual(
        (yield* ours(second.name))[0]?.addresses,
        second.addresses.map(({ address }) => address)
      )
    }))

  test("sends VPP no mode that would crash it", () =>
    Effect.gen(function* () {
      const wanted = yield* memif({ mode: "inject-punt" })
      const error = yield* leavesAsFound(Effect.flip(one(wanted)))
      assert.include(error.message, "inject-punt")
    }))

  test("recreates everything after a restart", () =>
    Effect.gen(function* () {
      const wanted = yield* memif()
      yield* removedAfter(wanted.name)
      yield* one(wanted)
      const before = yield* ours(wanted.name)
      const { restart } = yield* VppUnderTest
      yield* restart
      const again = yield* one(wanted)
      assert.strictEqual(again.was, "made")
      assert.deepStrictEqual(yield* ours(wanted.name), before)
    }))
})
