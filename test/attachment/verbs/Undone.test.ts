/**
 * An ADD fails at its end, and its rollback fails at each of its steps as well: whatever is left has its record, and
 * one DEL removes it. Without a second fault nothing is left.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ended, goesWrong, kills, sameNode, services, stepsOf, type Wrong, waysOn } from "../support/Faults.ts"
import { networks } from "../support/Networks.ts"
import { World } from "../support/World.ts"

describe.each(Object.entries(networks))("%s", async (network, asked) => {
  const good = await Effect.runPromise(stepsOf(new World(), "ADD", asked, services))
  const last: Wrong = { at: good.length - 1, way: "fails after its effect" }
  const names = await Effect.runPromise(stepsOf(new World(), "ADD", asked, services, [last]))
  const undos = names.map((name, at) => [at, name] as const).slice(good.length)

  it("has the expected rollback steps", () => {
    for (const name of ["SharedDir.release", "Vswitch.unplug", "Ipam.del", "Records.remove"]) {
      assert.include(names.slice(good.length), name)
    }
  })

  it.effect("leaves nothing when none fails", () =>
    Effect.gen(function* () {
      const world = new World()
      const before = world.dump()
      assert.strictEqual(ended(yield* goesWrong(world, "ADD", asked, services, last.at, last.way)), "failed")
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  const node = sameNode(() => new World())

  describe.each(undos)("step %i, %s", (at, name) => {
    it.live.each([...waysOn(network), ...kills])("%s", (way) =>
      Effect.gen(function* () {
        const { before, world } = node()
        yield* goesWrong(world, "ADD", asked, services, at, way, [last])
        // Anything that could be left has a record, which is removed last.
        const changed = JSON.stringify(world.dump()) !== JSON.stringify(before)
        const recorded = world.files.names("/var/lib/cni/usrspcni/attachments")
        if (changed && name !== "Records.remove") assert.include(recorded, "0958c8871b32-net1.json")
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), before)
      })
    )
  })

  it.live("the next ADD succeeds, after all of them", () =>
    Effect.gen(function* () {
      const { before, world } = node()
      yield* world.add(asked)
      yield* world.call("CHECK", asked)
      yield* world.call("DEL", asked)
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})
