/**
 * Healing while a scope lasts, on a node in memory: the real watch on the wire of an Open vSwitch in memory. No round
 * is requested; waits have deadlines.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { watchFor } from "../../../src/app/SwitchViews.ts"
import { type Kept, keep } from "../../../src/attachment/heal/Keep.ts"
import { portName } from "../../../src/identity/Attachment.ts"
import type { Condition } from "../../../src/ovs/client/OvsdbMessages.ts"
import { untilTrue } from "../../support/Until.ts"
import { network } from "../support/Networks.ts"
import { World } from "../support/World.ts"

const port = portName({ network: "net", containerId: "0958c8871b32cafe", ifName: "net1" })
const where: ReadonlyArray<Condition> = [["name", "==", port]]

/** With one attachment: `self` begins when the first round is done. */
const kept = (
  self: (world: World, kept: Kept) => Effect.Effect<void, unknown>,
  every = Duration.hours(1),
  sandboxes = Duration.hours(1)
) =>
  Effect.gen(function* () {
    const world = new World()
    yield* world.add({ conf: network })
    yield* world.resident((switches) =>
      Effect.scoped(
        Effect.gen(function* () {
          const options = { switches, variables: { CNI_PATH: "/opt/cni/bin" }, repair: "missing", dry: false } as const
          const healing = yield* keep({ ...options, watch: watchFor, every, sandboxes })
          yield* healing.first
          yield* self(world, healing)
        })
      )
    )
  })

const until = (is: () => boolean) => untilTrue(String(is), is, { every: "5 millis" })

const found = (healing: Kept) => healing.last()?.switches.flatMap((one) => one.found.map(({ words }) => words)) ?? []
const silent = (healing: Kept) => healing.last()?.switches.flatMap((one) => one.silent) ?? []

describe("rounds without a request", () => {
  it.live("the first round inspects every attachment and changes nothing", () =>
    kept((_, healing) =>
      Effect.sync(() => {
        assert.deepStrictEqual(found(healing), [])
        assert.deepStrictEqual(
          healing.last()?.switches.map(({ looked }) => looked),
          [1]
        )
      })
    )
  )

  it.live("ports are restored after the database was emptied", () =>
    kept((world) =>
      Effect.gen(function* () {
        const before = world.dump()
        world.ovs.empty()
        yield* until(() => world.dump().join() === before.join())
      })
    )
  )

  it.live("a change that somebody made to a port is found and left", () =>
    kept((world, healing) =>
      Effect.gen(function* () {
        yield* world.ovs.transact([{ op: "mutate", table: "Port", where, mutations: [["tag", "+=", 2]] }])
        yield* until(() => found(healing).length > 0)
        assert.deepStrictEqual(found(healing), [`VLAN of port ${port} is 9, not 7`])
        yield* world.ovs.transact([{ op: "mutate", table: "Port", where, mutations: [["tag", "-=", 2]] }])
        yield* until(() => found(healing).length === 0)
      })
    )
  )

  it.live("an unreachable switch is reported and not queried; lost ports are restored when it is back", () =>
    kept((world, healing) =>
      Effect.gen(function* () {
        const before = world.dump()
        world.ovs.serve("refused")
        yield* until(() => silent(healing).length === 1)
        world.ovs.empty()
        world.ovs.serve("well")
        yield* until(() => world.dump().join() === before.join())
        yield* until(() => silent(healing).length === 0)
      })
    )
  )

  it.live("an unreachable switch that no attachment uses is not reported", () =>
    kept(
      (world, healing) =>
        Effect.gen(function* () {
          world.files.put("/run/vpp/api.sock", "socket")
          yield* until(() => healing.last()?.switches.length === 2)
          assert.deepStrictEqual(silent(healing), [])
          world.files.remove("/run/vpp/api.sock")
          yield* until(() => healing.last()?.switches.length === 1)
        }),
      Duration.millis(50)
    )
  )

  it.live("a switch that a call was the first to use is watched from then on, wherever its socket is", () =>
    kept((world, healing) =>
      Effect.gen(function* () {
        const control = "/other/db.sock"
        yield* world.add({ conf: { ...network, host: { ...network.host, socket: control } }, containerId: "other" })
        const before = world.other.dump()
        healing.used({ engine: "ovs-dpdk", control })
        yield* until(() => healing.last()?.switches.length === 2)
        world.other.empty()
        yield* until(() => world.other.dump().join() === before.join())
      })
    )
  )

  it.live("a DEL and an ADD after it are left alone", () =>
    kept((world, healing) =>
      Effect.gen(function* () {
        const before = world.dump()
        for (let times = 0; times < 20; times++) {
          yield* world.call("DEL", { conf: network })
          yield* world.add({ conf: network })
        }
        assert.deepStrictEqual(found(healing), [])
        assert.deepStrictEqual(
          world.log.filter((line) => /recreated|deleted/.test(line)),
          []
        )
        assert.lengthOf(world.dump(), before.length)
      })
    )
  )

  it.live("a periodic round finds a missing shared directory, for which no switch sends an event", () =>
    kept(
      (world, healing) =>
        Effect.gen(function* () {
          world.files.remove("/shared/0958c8871b32")
          yield* until(() => found(healing).length > 0)
          assert.deepStrictEqual(found(healing), ["the shared directory /shared/0958c8871b32 is missing"])
        }),
      Duration.millis(50)
    )
  )

  it.live("a sandbox that has gone is found without a periodic round, and its attachment stays for now", () =>
    kept(
      (world, healing) =>
        Effect.gen(function* () {
          const before = world.dump()
          world.namespace = () => "missing"
          yield* until(() => found(healing).length > 0)
          assert.deepStrictEqual(found(healing), ["its sandbox /n/a is gone"])
          assert.deepStrictEqual(world.dump(), before)
          world.namespace = () => "sandbox"
          yield* world.ovs.transact([{ op: "mutate", table: "Port", where, mutations: [["tag", "+=", 2]] }])
          yield* until(() => found(healing)[0]?.startsWith("VLAN") === true)
        }),
      Duration.hours(1),
      Duration.millis(50)
    )
  )

  it.live("a look at the records finds a switch that a new network names, without a periodic round", () =>
    kept(
      (world, healing) =>
        Effect.gen(function* () {
          yield* world.add({
            conf: { ...network, host: { ...network.host, socket: "/other/db.sock" } },
            ifName: "net2"
          })
          yield* until(() => healing.last()?.switches.length === 2)
          const before = world.dump()
          yield* until(() => healing.last()?.switches.every(({ looked }) => looked === 1) === true)
          world.other.empty()
          yield* until(() => world.dump().join() === before.join())
        }),
      Duration.hours(1),
      Duration.millis(50)
    )
  )

  it.live("the next round includes a switch that a new network names", () =>
    kept(
      (world, healing) =>
        Effect.gen(function* () {
          const other = { ...network, host: { ...network.host, socket: "/other/db.sock" } }
          yield* world.add({ conf: other, ifName: "net2" })
          yield* until(() => healing.last()?.switches.length === 2)
          const before = world.dump()
          yield* until(() => healing.last()?.switches.every(({ looked }) => looked === 1) === true)
          world.other.empty()
          yield* until(() => world.dump().join() === before.join())
          yield* world.call("DEL", { conf: other, ifName: "net2" })
          yield* until(() => healing.last()?.switches.length === 1)
        }),
      Duration.millis(50)
    )
  )
})
