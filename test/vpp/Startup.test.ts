/**
 * A VPP that has just started serves its API before it has made the administrator's bridge domains: a port that would make
 * one waits for that, and no other does.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { VppMemifPort } from "../../src/cni/network/HostPort.ts"
import { untilConfigured } from "../../src/vpp/client/VppClient.ts"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import {
  bridged,
  look,
  memif,
  newDomain,
  plug,
  request,
  restore,
  VppUnderTest,
  withSession
} from "../suites/VppUnderTest.ts"
import { untilTrue } from "../support/Until.ts"
import { start, type VppServer } from "./server/VppServer.ts"
import { temporaryDirectory } from "./support/TestVpp.ts"

const on = <A, E, R>(server: VppServer, self: Effect.Effect<A, E, R>) =>
  Effect.provideService(self, VppUnderTest, { path: server.path, release: "26.06", restart: Effect.void })

/** As its startup file does. */
const administrator = (domain: number) =>
  withSession((session) =>
    session.call(BridgeDomain.addDel, {
      ...{ bd_id: domain, flood: true, uu_flood: true, forward: true, learn: true, arp_term: false, arp_ufwd: false },
      ...{ mac_age: 0, bd_tag: "an administrator's", is_add: true }
    })
  )

/** Started so many milliseconds ago. The clock stands still. */
const young = Effect.fnUntraced(function* (age: number) {
  const now = Date.now()
  yield* TestClock.setTime(now)
  return yield* start({ path: `${yield* temporaryDirectory}/api.sock`, since: new Date(now - age) })
})

const isAsked = (server: VppServer, name: string, times: number) =>
  TestClock.withLive(
    untilTrue(`${times} of ${name}`, () => server.requests.filter((one) => one === name).length >= times)
  )

describe("a VPP that has just started", () => {
  it.effect("has the administrator's bridge domain before a port joins it", () =>
    Effect.gen(function* () {
      const server = yield* young(untilConfigured - 500)
      const domain = newDomain()
      const wanted = yield* request(memif({ network: bridged(domain) }))
      const plugging = yield* Effect.forkChild(on(server, plug(wanted)), { startImmediately: true })
      yield* isAsked(server, "bridge_domain_dump", 1)
      yield* TestClock.adjust(499)
      yield* on(server, administrator(domain))
      yield* TestClock.adjust(1)
      const { port } = yield* Fiber.join(plugging)
      assert.include(yield* on(server, look), `domain ${domain} an administrator's ${port}`)
    })
  )

  it.effect("creates a bridge domain for a port when nobody has created it meanwhile", () =>
    Effect.gen(function* () {
      const server = yield* young(0)
      const domain = newDomain()
      const wanted = yield* request(memif({ network: bridged(domain) }))
      const plugging = yield* Effect.forkChild(on(server, plug(wanted)), { startImmediately: true })
      yield* isAsked(server, "bridge_domain_dump", 1)
      assert.notInclude(server.requests, "bridge_domain_add_del_v2")
      yield* TestClock.adjust(untilConfigured)
      const { port } = yield* Fiber.join(plugging)
      assert.include(yield* on(server, look), `domain ${domain} userspace/1/bridge-domain/${domain} ${port}`)
    })
  )

  // Whoever waited would wait for ever: the clock stands still.
  const others: Readonly<Record<string, readonly [age: number, () => VppMemifPort]>> = {
    "when it has been up for long": [untilConfigured, () => memif()],
    "when it is younger than now": [-60_000, () => memif()],
    "with a port without a bridge domain": [0, () => memif({ network: { netType: "interface" } })]
  }
  for (const [what, [age, port]] of Object.entries(others)) {
    it.effect(`delays no port ${what}`, () =>
      Effect.gen(function* () {
        const server = yield* young(age)
        const { port: name } = yield* on(server, plug(yield* request(port())))
        assert.include((yield* on(server, look)).join(), name)
      })
    )
  }

  // The agent has waited, or knows that all bridge domains were ours.
  it.effect("delays no restore", () =>
    Effect.gen(function* () {
      const server = yield* young(0)
      const domain = newDomain()
      yield* on(server, restore(yield* request(memif({ network: bridged(domain) }))))
      assert.include((yield* on(server, look)).join(), `domain ${domain} userspace/1/bridge-domain/${domain}`)
    })
  )

  it.effect("delays no port whose bridge domain exists", () =>
    Effect.gen(function* () {
      const server = yield* young(0)
      const domain = newDomain()
      yield* on(server, administrator(domain))
      const { port } = yield* on(server, plug(yield* request(memif({ network: bridged(domain) }))))
      assert.include(yield* on(server, look), `domain ${domain} an administrator's ${port}`)
    })
  )
})
