/** The policers that the VPP layer of `Vswitch` creates for a pod's bandwidth, where a VPP supports them. */
import { assert } from "@effect/vitest"
import { Effect, Logger } from "effect"
import type { Limit, VppPort } from "../../src/cni/network/HostPort.ts"
import { keyOf, shortDigest, shortId } from "../../src/identity/Attachment.ts"
import { byName } from "../../src/vpp/interfaces/Interfaces.ts"
import { portName, portNumber } from "../../src/vpp/interfaces/Mark.ts"
import * as Policer from "../../src/vpp/messages/Policer.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import type { PortRequest } from "../../src/vswitch/Vswitch.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import {
  bridged,
  leavesAsFound,
  list,
  look,
  memif,
  plug,
  plugged,
  request,
  restore,
  unplug,
  VppUnderTest,
  verify,
  vhost,
  withSession
} from "./VppUnderTest.ts"

export const both: ReadonlyArray<Limit> = [
  { direction: "input", rate: 20_000, burst: 500_000 },
  { direction: "output", rate: 10_000, burst: 536_870_912 }
]

const layer3 = { netType: "interface" } as const

const nameOf = ({ attachment }: PortRequest, direction: Limit["direction"]): string =>
  `userspace/1/${keyOf(attachment)}/${shortDigest(attachment.network)}/${shortId(attachment)}/${direction}`

const lineOf = (wanted: PortRequest, { burst, direction, rate }: Limit): string =>
  `policer ${nameOf(wanted, direction)} ${rate} kbit/s ${burst} bytes`

const policers = Effect.map(look, (lines) => lines.filter((line) => line.startsWith("policer ")))

/** What a VPP supports: since 22.06 for routed traffic, since 26.06 for bridged. */
const kept = Effect.fnUntraced(function* (port: VppPort) {
  const { release } = yield* VppUnderTest
  const offered = yield* withSession((session) =>
    Effect.succeed({ input: session.offers(Policer.input), output: session.offers(Policer.output) })
  )
  return both.filter(
    ({ direction }) =>
      offered[direction] && (direction === "input" || port.network.netType !== "bridge" || /^26/.test(release))
  )
})

const told: Array<string> = []
const listening = Logger.layer([Logger.make(({ message }) => void told.push([message].flat().map(String).join(" ")))])

/** The interface is removed by somebody else. */
const removeMemif = ({ attachment }: PortRequest) =>
  withSession((session) =>
    Effect.flatMap(byName(session, portName("memif", portNumber(keyOf(attachment)))), (there) =>
      there === undefined
        ? Effect.die("no interface")
        : session.call(Ports.removeMemif, { sw_if_index: there.sw_if_index })
    )
  )

const dropped = {
  ...{ eir: 0, eb: 0, rate_type: 0, round_type: 0, type: 0, color_aware: false },
  ...{ conform_action: Policer.transmit, exceed_action: Policer.drop, violate_action: Policer.drop }
}

const addDel = (is_add: boolean, name: string, cir = 1, cb = 1000) =>
  withSession((session) => session.call(Policer.addDel, { ...dropped, is_add, name, cir, cb }))

const ports: ReadonlyArray<readonly [string, () => VppPort]> = [
  ["memif, bridged", () => memif({ limits: both })],
  ["memif, alone", () => memif({ limits: both, network: { netType: "none" } })],
  ["memif, layer 3", () => memif({ limits: both, network: layer3 })],
  ["vhost-user, bridged", () => vhost({ limits: both })],
  ["vhost-user, alone", () => vhost({ limits: both, network: { netType: "none" } })]
]

export const vppLimits = suite<VppUnderTest>("a pod's bandwidth on VPP", (test) => {
  for (const [name, port] of ports) {
    test(`applies what VPP can, and warns about the rest: ${name}`, () =>
      leavesAsFound(
        Effect.gen(function* () {
          const wanted = yield* request(port())
          const can = yield* kept(wanted.port)
          told.length = 0
          yield* Effect.provide(plug(wanted), listening)
          assert.deepStrictEqual(yield* policers, can.map((limit) => lineOf(wanted, limit)).sort())
          const words = told.filter((line) => line.includes("is not limited"))
          assert.lengthOf(words, both.length - can.length)
          for (const { direction } of both.filter((limit) => !can.includes(limit))) {
            assert.match(words.join("\n"), direction === "input" ? /\(egressRate\): / : /\(ingressRate\): /)
          }
          assert.deepStrictEqual(yield* verify(wanted), [])
          const removed = yield* unplug(unplugOf(wanted))
          for (const { direction } of can) assert.include(removed, `policer ${nameOf(wanted, direction)}`)
        })
      ))

    test(`DEL finds the policers without configuration, by the tag: ${name}`, () =>
      leavesAsFound(
        Effect.gen(function* () {
          const wanted = yield* request(port())
          yield* plug(wanted)
          yield* unplug(unplugOf(wanted, { port: undefined, socketPath: undefined }))
        })
      ))

    test(`restore recreates them: ${name}`, () =>
      Effect.gen(function* () {
        const { restart } = yield* VppUnderTest
        const wanted = yield* request(port())
        yield* plugged(wanted)
        const before = yield* policers
        yield* restart
        yield* restore(wanted)
        assert.deepStrictEqual(yield* policers, before)
        assert.deepStrictEqual(yield* verify(wanted), [])
        assert.deepStrictEqual((yield* leavesAsFound(restore(wanted))).made, [])
      }))
  }
})

/** For VPPs that are known to support policers: on others, the cases above may test nothing. */
export const vppPolicers = suite<VppUnderTest>("the policers of a VPP that has them", (test) => {
  test("are offered for both directions", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* kept(memif({ network: layer3 })), both)
    }))

  test("CHECK names a missing or different policer, and restore corrects it", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({ limits: both }))
      yield* plugged(wanted)
      const before = yield* look
      const name = nameOf(wanted, "input")
      const index = yield* withSession((session) =>
        Effect.map(
          byName(session, portName("memif", portNumber(keyOf(wanted.attachment)))),
          (there) => there?.sw_if_index ?? 0
        )
      )
      yield* withSession((session) => session.call(Policer.input, { name, sw_if_index: index, apply: false }))
      yield* addDel(false, name)
      assert.deepStrictEqual(yield* verify(wanted), [`policer ${name} is missing`])
      yield* addDel(true, name, 7, 1500)
      assert.deepStrictEqual(yield* verify(wanted), [
        `policer ${name}: rate is 7 kbit/s, not 20000`,
        `policer ${name}: burst is 1500 bytes, not 500000`
      ])
      assert.lengthOf((yield* restore(wanted)).made, 1)
      assert.deepStrictEqual(yield* look, before)
    }))

  test("policers whose interface somebody removed are listed, and removed by DEL, by GC, and by the next ADD", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const wanted = yield* request(memif({ limits: both, network: { netType: "none" } }))
        const { key, ...byKey } = { key: keyOf(wanted.attachment), invocation: undefined, socketPath: undefined }
        const unnamed = { ...wanted.attachment, containerId: shortId(wanted.attachment), ifName: "" }
        const ways = [
          unplugOf(wanted),
          unplugOf({ ...wanted, port: memif() }, { unrecorded: true }),
          { ...byKey, key, attachment: unnamed, port: undefined }
        ]
        for (const way of ways) {
          yield* plug(wanted)
          yield* removeMemif(wanted)
          const [owned, ...others] = yield* list("net")
          assert.deepStrictEqual(others, [])
          assert.deepInclude(owned, { key, containerId: unnamed.containerId, state: "policer without an interface" })
          assert.deepStrictEqual(yield* list("other"), [])
          const removed = yield* unplug(way)
          assert.include(removed, `policer ${nameOf(wanted, "input")}`)
          assert.deepStrictEqual(yield* policers, [])
        }
        yield* plug(wanted)
        yield* removeMemif(wanted)
        const slower = { ...wanted, port: { ...wanted.port, limits: both.map((limit) => ({ ...limit, rate: 5 })) } }
        yield* plug(slower)
        assert.deepStrictEqual(yield* verify(slower), [])
        yield* unplug(unplugOf(slower))
        yield* unplug(unplugOf(wanted))
      })
    ))

  test("somebody else's policers stay", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const wanted = yield* request(memif({ limits: both, network: bridged() }))
        const names = ["somebody's", "userspace/1/x/input", `${nameOf(wanted, "input")}/`]
        yield* Effect.forEach(names, (name) => addDel(true, name))
        yield* plug(wanted)
        yield* unplug(unplugOf(wanted))
        yield* unplug(unplugOf(wanted))
        assert.lengthOf(yield* policers, names.length)
        yield* Effect.forEach(names, (name) => addDel(false, name))
      })
    ))
})
