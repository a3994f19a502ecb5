/**
 * `plug` is complete or nothing: whatever happens at any of its requests, VPP is unchanged, the client disconnects, and the same ADD works afterwards.
 */
import { dirname } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"
import type { VppMemifPort, VppVhostPort } from "../../src/cni/network/HostPort.ts"
import { untilConfigured } from "../../src/vpp/client/VppClient.ts"
import { Vswitch } from "../../src/vswitch/Vswitch.ts"
import { both } from "../suites/VppLimitsSuite.ts"
import { bridged, memif, newDomain, once, plug, request, unplug, VppUnderTest, vhost } from "../suites/VppUnderTest.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { withPolicers } from "./server/Policers.ts"
import { type Outcome, start, type VppServer } from "./server/VppServer.ts"
import { everything } from "./support/LeftAlone.ts"
import { temporaryDirectory } from "./support/TestVpp.ts"

const addresses = [
  { address: "10.9.9.3/32", gateway: "169.254.1.1" },
  { address: "fd00:9::3/64", gateway: "fd00:9::1" }
]

const ports: Readonly<Record<string, () => VppMemifPort | VppVhostPort>> = {
  "memif in a bridge domain": () => memif({ mtu: 1500, network: bridged(newDomain(), 7) }),
  "memif on layer 3": () => memif({ network: { netType: "interface" } }),
  "memif with limits": () => memif({ limits: both }),
  "vhost-user with limits": () => vhost({ limits: both, network: { netType: "none" } }),
  "vhost-user in a bridge domain": () => vhost({ mtu: 1500, network: bridged(newDomain(), 7) })
}

/** Every rollback logs its actions, some hundred times here. */
const quiet = Logger.layer([])

/**
 * The sockets are the system's, and the clock is the test's: a deadline passes when a request is left without an answer,
 * and at no other time, however busy the machine is.
 */
const prepared = Effect.fnUntraced(function* (port: () => VppMemifPort | VppVhostPort) {
  yield* TestClock.setTime(untilConfigured)
  const server = yield* start({ path: `${yield* temporaryDirectory}/api.sock`, table: withPolicers })
  const wanted = yield* request(port())
  return {
    server,
    wanted: { ...wanted, addresses: wanted.port.network.netType === "interface" ? addresses : [] },
    /** Every file, and VPP's state, without a request. */
    world: () => everything([dirname(server.path), dirname(wanted.socketPath)], server)
  }
})

const answer = 150

const on = <A, E>(server: VppServer, self: Effect.Effect<A, E, VppUnderTest>) =>
  Effect.provideService(self, VppUnderTest, {
    path: server.path,
    release: "26.06",
    restart: Effect.void,
    waits: { turn: 5_000, answer, goodbye: 500 }
  })

/** Manipulates the n-th request from now on, once. */
const atRequest = (
  server: VppServer,
  n: number,
  meddle: (name: string, raw: Buffer) => ReturnType<VppServer["intercept"]>
) => {
  let left = n
  server.intercept = (name, raw) => (left-- === 0 ? meddle(name, raw) : undefined)
}

/** VPP does not receive it, nor what was sent with it. */
const deaf = (server: VppServer): Outcome => {
  server.intercept = () => "silence"
  setImmediate(() => {
    server.intercept = () => undefined
  })
  return "silence"
}

interface Way {
  /** What happens at the n-th request; `now`: when it does. */
  readonly meddle: (server: VppServer, n: number, now: () => void) => void
  /** What happens to the client then. */
  readonly afterwards?: (plugging: Fiber.Fiber<unknown, unknown>) => Effect.Effect<unknown>
}

const timePasses = () => TestClock.adjust(answer)

const ways: Readonly<Record<string, Way>> = {
  "is refused": { meddle: (server, n) => atRequest(server, n, () => ({ retval: -1 })) },
  "is not answered": {
    meddle: (server, n, now) =>
      atRequest(server, n, () => {
        now()
        return deaf(server)
      }),
    afterwards: timePasses
  },
  // VPP executes it, and its reply is lost.
  "is done, but not answered": {
    meddle: (server, n, now) =>
      atRequest(server, n, (name, raw) => {
        now()
        server.perform(name, raw)
        return "silence"
      }),
    afterwards: timePasses
  },
  "is interrupted": {
    meddle: (server, n, now) =>
      atRequest(server, n, () => {
        now()
        return undefined
      }),
    afterwards: Fiber.interrupt
  }
}

const attempt = Effect.fnUntraced(function* (
  server: VppServer,
  wanted: Parameters<typeof plug>[0],
  { meddle, afterwards = () => Effect.void }: Way,
  n: number
) {
  const reached = yield* Deferred.make<void>()
  meddle(server, n, () => Deferred.doneUnsafe(reached, Exit.void))
  const plugging = yield* Effect.forkChild(on(server, plug(wanted)))
  const after = yield* Effect.forkChild(Effect.andThen(Deferred.await(reached), afterwards(plugging)))
  const exit = yield* Fiber.await(plugging)
  yield* Fiber.interrupt(after)
  server.intercept = () => undefined
  return exit
})

describe.each(Object.keys(ports))("%s", (kind) => {
  const port = ports[kind] ?? memif

  it.effect.each(Object.entries(ways))("leaves nothing when a request %s", ([, way]) =>
    Effect.gen(function* () {
      const { server, wanted, world } = yield* prepared(port)
      const before = world()
      yield* on(server, plug(wanted))
      const count = server.requests.length - 1
      yield* on(server, unplug(unplugOf(wanted)))
      assert.deepStrictEqual(world(), before)
      const opened = server.polite
      let failures = 0
      for (let n = 0; n < count; n++) {
        const exit = yield* attempt(server, wanted, way, n)
        // A ping's reply has no meaning: its refusal is no failure.
        if (Exit.isSuccess(exit)) yield* on(server, unplug(unplugOf(wanted)))
        else {
          failures++
          assert.isFalse(Cause.hasDies(exit.cause), Cause.pretty(exit.cause))
        }
        assert.deepStrictEqual(world(), before, `request ${n}: ${server.requests.at(-1)}`)
      }
      assert.isAbove(failures, count / 3)
      assert.isAtLeast(server.polite - opened, count)
      assert.strictEqual(server.rude, 0)
      assert.isUndefined(server.broken)
      yield* on(server, plug(wanted))
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.effect("is rolled back over a new connection when VPP closed the one before at any request", () =>
    Effect.gen(function* () {
      const { server, wanted, world } = yield* prepared(port)
      const before = world()
      let failures = 0
      for (let n = 0; n < 14; n++) {
        atRequest(server, n, () => "close")
        const { invocation } = wanted
        // In the form of ADD, in one process.
        const plugged = Effect.gen(function* () {
          const vswitch = yield* Vswitch
          const found = yield* vswitch.preflight(wanted)
          const back = vswitch.unplug({ ...unplugOf(wanted), invocation, begun: true })
          yield* Effect.tapError(vswitch.plug(wanted, found), () => back)
        }).pipe(Effect.scoped)
        const exit = yield* Effect.exit(on(server, once(plugged)))
        server.intercept = () => undefined
        if (Exit.isSuccess(exit)) yield* on(server, unplug(unplugOf(wanted)))
        else failures++
        assert.deepStrictEqual(world(), before, `request ${n}`)
      }
      assert.isAbove(failures, 4)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.effect("is removed by DEL when VPP closed the connection at any request", () =>
    Effect.gen(function* () {
      const { server, wanted, world } = yield* prepared(port)
      const before = world()
      const close: Way = { meddle: (server, n) => atRequest(server, n, () => "close") }
      for (let n = 0; n < 18; n++) {
        const exit = yield* attempt(server, wanted, close, n)
        if (Exit.isFailure(exit)) assert.include(Cause.pretty(exit.cause), "connection lost")
        yield* on(server, unplug(unplugOf(wanted)))
        assert.deepStrictEqual(world(), before, `request ${n}`)
      }
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
