/** The requests of a port with limits and of one without; and policers on the interface. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Limit } from "../../../src/cni/network/HostPort.ts"
import { both } from "../../suites/VppLimitsSuite.ts"
import { memif, plug, request, restore, unplug, VppUnderTest, verify, vhost } from "../../suites/VppUnderTest.ts"
import { unplugOf } from "../../vswitch/support/UnplugOf.ts"
import { withPolicers } from "../server/Policers.ts"
import { start, type VppServer } from "../server/VppServer.ts"
import { temporaryDirectory } from "../support/TestVpp.ts"

const running = Effect.flatMap(temporaryDirectory, (directory) =>
  start({ path: `${directory}/api.sock`, table: withPolicers })
)

const on = <A, E>(server: VppServer, self: Effect.Effect<A, E, VppUnderTest>) =>
  Effect.provideService(self, VppUnderTest, { path: server.path, release: "26.06", restart: Effect.void })

/** Names of the requests. */
const asked = <A, E>(server: VppServer, self: Effect.Effect<A, E, VppUnderTest>) =>
  Effect.suspend(() => {
    server.requests.length = 0
    return Effect.map(on(server, self), () => [...server.requests])
  })

const kinds = [
  ["memif", (limits: ReadonlyArray<Limit>) => memif({ limits })],
  ["vhost-user", (limits: ReadonlyArray<Limit>) => vhost({ limits })]
] as const

it.live.each(kinds)("%s without limits: no request about policers", ([, port]) =>
  Effect.gen(function* () {
    const server = yield* running
    const wanted = yield* request(port([]))
    const all = [
      ...(yield* asked(server, plug(wanted))),
      ...(yield* asked(server, verify(wanted))),
      ...(yield* asked(server, restore(wanted))),
      ...(yield* asked(server, unplug(unplugOf(wanted)))),
      ...(yield* asked(server, unplug(unplugOf(wanted))))
    ]
    assert.notInclude(all.join(), "policer")
    assert.isAbove(all.length, 10)
  })
)

it.live.each(kinds)("%s: a policer is applied once, also after restore, and none is left", ([, port]) =>
  Effect.gen(function* () {
    const server = yield* running
    const wanted = yield* request(port(both))
    const on1 = () =>
      [...server.model.interfaces.values()].flatMap(({ policers }) => policers.map((one) => one.direction))
    yield* on(server, plug(wanted))
    assert.deepStrictEqual(on1(), ["input", "output"])
    for (const one of server.model.interfaces.values()) one.row.flags = 0
    assert.lengthOf((yield* on(server, restore(wanted))).made, 1)
    assert.deepStrictEqual(on1().sort(), ["input", "output"])
    // Detached before it is removed, and removed before the interface is.
    const names = yield* asked(server, unplug(unplugOf(wanted)))
    const order = names.filter((name) => /^policer|^memif_delete|^delete_vhost/.test(name))
    const pair = (direction: string) => [`policer_${direction}`, "policer_add_del"]
    assert.deepStrictEqual(order.slice(0, -1), [...pair("input"), ...pair("output")])
    assert.deepStrictEqual([...server.model.policers], [])
  })
)
