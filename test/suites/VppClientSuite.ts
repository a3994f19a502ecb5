/** The behaviour of `VppClient` on any VPP. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Queue } from "effect"
import { ask } from "../../src/vpp/client/Session.ts"
import { VppClient } from "../../src/vpp/client/VppClient.ts"
import { MessageChanged, MessageMissing, type VppError } from "../../src/vpp/client/VppError.ts"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import * as Control from "../../src/vpp/messages/Control.ts"
import * as Interface from "../../src/vpp/messages/Interface.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import { wantEvents } from "../vpp/server/Events.ts"
import { suite } from "./Suite.ts"
import { directory, newDomain, once, VppUnderTest, withSession } from "./VppUnderTest.ts"

const all = { sw_if_index: Control.every, name_filter_valid: false, name_filter: "" }
const alive = withSession((session) => session.call(Control.controlPing, {}))

/** Of many on a busy machine the last one waits long for its answer, and each of its deadlines is for a hang. */
const patient = <A, E>(self: Effect.Effect<A, E, VppUnderTest>) =>
  Effect.flatMap(VppUnderTest, (vpp) =>
    Effect.provideService(self, VppUnderTest, {
      ...vpp,
      waits: { turn: 60_000, answer: 60_000, goodbye: 60_000 }
    })
  )

const failure = (self: Effect.Effect<unknown, VppError>) => Effect.orDie(Effect.flip(self))

export const vppClient = suite<VppUnderTest>("VppClient", (test) => {
  test("sends a request and receives the reply", () =>
    Effect.gen(function* () {
      const { release } = yield* VppUnderTest
      const { retval, version } = yield* withSession((session) => session.call(Control.showVersion, {}))
      assert.strictEqual(retval, 0)
      assert.isTrue(version.startsWith(release), version)
    }))

  test("reports an error by its number", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        withSession((session) => session.call(Interface.setFlags, { sw_if_index: 9999, flags: 1 }))
      )
      assert.include(error.message, "sw_interface_set_flags failed: Invalid sw_if_index (-2, INVALID_SW_IF_INDEX)")
    }))

  test("receives all details of a dump, also none", () =>
    withSession(
      Effect.fnUntraced(function* (session) {
        const found = yield* session.dump(Interface.interfaceDump, all)
        assert.include(
          found.map(({ interface_name }) => interface_name),
          "local0"
        )
        assert.deepStrictEqual(yield* session.dump(Interface.interfaceDump, { ...all, sw_if_index: 9999 }), [])
      })
    ))

  test("receives several replies in order, errors among them", () =>
    withSession(
      Effect.fnUntraced(function* (session) {
        const bd_id = newDomain()
        const domain = (is_add: boolean) =>
          ask(BridgeDomain.addDel, {
            bd_id,
            flood: true,
            uu_flood: true,
            forward: true,
            learn: true,
            arp_term: false,
            arp_ufwd: false,
            mac_age: 0,
            bd_tag: "",
            is_add
          })
        const answers = yield* session.together([domain(true), domain(true), domain(false), domain(false)])
        assert.deepStrictEqual(
          answers.map(({ retval }) => retval),
          [0, -119, 0, -6]
        )
      })
    ))

  test("keeps concurrent calls apart", () =>
    withSession(
      Effect.fnUntraced(function* (session) {
        const calls = Array.from({ length: 30 }, (_, n) =>
          n % 3 === 0
            ? Effect.map(session.dump(Interface.interfaceDump, all), (found) => found.length > 0)
            : n % 3 === 1
              ? Effect.map(session.call(Control.showVersion, {}), ({ program }) => program === "vpe")
              : Effect.map(session.call(Control.controlPing, {}), ({ vpe_pid }) => vpe_pid > 0)
        )
        const answers = yield* Effect.all(calls, { concurrency: "unbounded" })
        assert.deepStrictEqual([...new Set(answers)], [true])
      })
    ))

  test("never sends a message that VPP does not have, and names it", () =>
    withSession(
      Effect.fnUntraced(function* (session) {
        const gone = { ...Control.showVersion, name: "show_weather" }
        const other = { ...Control.showVersion, crc: "00000000" }
        const first = yield* failure(session.call(gone, {}))
        const second = yield* failure(session.call(other, {}))
        assert.deepStrictEqual(first.reason, new MessageMissing({ name: "show_weather" }))
        assert.deepStrictEqual(
          second.reason,
          new MessageChanged({ name: "show_version", wanted: "00000000", offered: "51077d14" })
        )
        yield* session.call(Control.controlPing, {})
      })
    ))

  test("ignores events between a request and its reply, or a dump and its details", () =>
    Effect.gen(function* () {
      const socket_filename = `${yield* directory}/m.sock`
      yield* withSession(
        Effect.fnUntraced(function* (session) {
          const names = Effect.map(session.dump(Interface.interfaceDump, all), (found) =>
            found.map(({ interface_name }) => interface_name)
          )
          const socket = { socket_id: 601, socket_filename }
          yield* session.call(wantEvents, { enable_disable: 1, pid: process.pid })
          yield* session.call(Ports.socketFilenameAddDel, { ...socket, is_add: true })
          const { sw_if_index } = yield* session.call(Ports.createMemif, {
            ...{ role: "slave", mode: "ethernet", id: 0, socket_id: 601, rx_queues: 0, tx_queues: 0, ring_size: 0 },
            ...{ buffer_size: 0, no_zero_copy: false, hw_addr: "00:00:00:00:00:00", secret: "" }
          })
          assert.include(yield* names, "memif601/0")
          assert.strictEqual((yield* session.call(Interface.setFlags, { sw_if_index, flags: 1 })).retval, 0)
          assert.strictEqual((yield* session.call(Control.showVersion, {})).program, "vpe")
          yield* session.call(Ports.removeMemif, { sw_if_index })
          assert.notInclude(yield* names, "memif601/0")
          yield* session.call(Ports.socketFilenameAddDel, { ...socket, is_add: false })
        })
      )
    }))

  test("refuses to send a value that does not fit, and continues", () =>
    withSession(
      Effect.fnUntraced(function* (session) {
        const tag = { is_add: true, sw_if_index: 0, tag: "x".repeat(64) }
        const error = yield* failure(session.call(Interface.tagAddDel, tag))
        assert.include(error.message, "tag has 64 bytes, of which 63 fit")
        yield* session.call(Control.controlPing, {})
      })
    ))

  test("a hundred concurrent clients all get their turn", () =>
    Effect.gen(function* () {
      yield* Effect.all(
        Array.from({ length: 100 }, () => patient(alive)),
        { concurrency: "unbounded" }
      )
    }))

  test("clients that are interrupted at the same moment leave VPP answering", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 4; round++) {
        const busy = yield* Queue.unbounded<void>()
        const client = once(
          Effect.scoped(
            Effect.flatMap(VppClient, ({ open }) =>
              Effect.flatMap(open, (session) =>
                Effect.forever(Effect.andThen(session.dump(Interface.interfaceDump, all), Queue.offer(busy, undefined)))
              )
            )
          )
        )
        const clients = yield* Effect.forEach(Array.from({ length: 24 }), () => Effect.forkChild(client))
        yield* Queue.takeN(busy, 40)
        yield* Effect.forEach(clients, Fiber.interrupt, { concurrency: "unbounded" })
      }
      assert.strictEqual((yield* alive).retval, 0)
    }))
})
