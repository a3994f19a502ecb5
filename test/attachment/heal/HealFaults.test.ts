/**
 * Healing after a switch has lost everything, while the file system and the switch fail at each step, in each way, and the
 * agent is killed there: what belongs to others stays, and the next rounds recreate every port. Steps are counted as they
 * come, so that none has to be listed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { nothing } from "../../../src/attachment/heal/Decide.ts"
import { conversations, edges, stepsIn, type Way, wronged } from "../support/Faults.ts"
import { network, networks } from "../support/Networks.ts"
import { minute, ovs, round, vpp } from "../support/Rounds.ts"
import { type Asked, World } from "../support/World.ts"

/** An administrator's, on Open vSwitch; that of VPP has some of its own. */
const administrate = (world: World) =>
  world.ovs.transact([
    { op: "insert", table: "Interface", "uuid-name": "i", row: { name: "eth9", type: "dpdk" } },
    { op: "insert", table: "Port", "uuid-name": "p", row: { name: "eth9", interfaces: ["named-uuid", "i"] } },
    {
      op: "insert",
      table: "Bridge",
      "uuid-name": "b",
      row: { name: "br-admin", datapath_type: "netdev", ports: ["named-uuid", "p"] }
    },
    { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", ["named-uuid", "b"]]] }
  ])

/** VPP gives other numbers and addresses to what is made in another order. */
const state = (world: World) => world.dump().filter((line) => !line.startsWith("vpp "))

const others = (world: World) =>
  world.dump().filter((line) => /br-admin|eth9|an administrator's/.test(line) && !line.startsWith("Open_vSwitch "))

const both = ["0958c8871b32cafe", "beefbeefbeefbeef"]

const isOnVpp = (name: string) => name.startsWith("VPP")

/** Two attachments, whose ports the switch has lost. */
const lost = Effect.fnUntraced(function* (name: string, asked: Asked) {
  const world = new World()
  yield* administrate(world)
  const nothing = world.dump()
  for (const containerId of both) yield* world.add({ ...asked, containerId })
  const before = state(world)
  if (isOnVpp(name)) world.vpp.restart()
  else {
    world.ovs.empty()
    yield* administrate(world)
  }
  return { world, nothing, before, at: isOnVpp(name) ? vpp : ovs }
})

const server = {
  conf: { ...network, host: { ...network.host, vhost: { mode: "server", group: "107" } } }
}
/** The file system is asked for the same in each, and for the most in server mode. */
const chosen: ReadonlyArray<readonly [string, Asked, ReadonlySet<string>]> = [
  ["Open vSwitch, client mode", networks["client mode"], conversations],
  ["Open vSwitch, server mode", server, edges],
  ["VPP, memif in a bridge domain", networks["VPP, memif in a bridge domain"], conversations]
]
/** After its effect is before the next step. A step that hangs ends by its own deadline, as in the calls. */
const tried: ReadonlyArray<Way> = ["fails", "is killed"]

describe.each(chosen)("%s", async (name, asked, tripped) => {
  const names = await Effect.runPromise(
    Effect.flatMap(lost(name, asked), ({ at, world }) => stepsIn(tripped, (wrap) => round(world, { at, wrap })))
  )

  it("has the steps of two repairs", () => assert.isAbove(names.length, 6))

  it.effect.each(tried)("a step %s", (way) =>
    Effect.gen(function* () {
      for (const [at, step] of names.entries()) {
        const where = `step ${at}, ${step}, ${way}`
        const { at: control, before, nothing: empty, world } = yield* lost(name, asked)
        const untouched = others(world)
        assert.isAbove(untouched.length, 4)
        const exit = yield* wronged(world, tripped, [{ at, way }], (wrap) => round(world, { at: control, wrap }))
        assert.deepStrictEqual(others(world), untouched, where)
        // A new agent knows nothing of the round.
        let memory = exit !== undefined && Exit.isSuccess(exit) ? exit.value.memory : nothing
        for (let again = 0; again < 2; again++) {
          yield* minute
          memory = (yield* round(world, { at: control, memory })).memory
        }
        assert.deepStrictEqual(state(world), before, where)
        for (const containerId of both) yield* world.call("CHECK", { ...asked, containerId })
        for (const containerId of both) yield* world.call("DEL", { ...asked, containerId })
        assert.deepStrictEqual(world.dump(), empty, where)
      }
    })
  )
})
