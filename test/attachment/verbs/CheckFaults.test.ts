/** CHECK fails at each of its steps, in each way: it does not report success, and nothing is changed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ended, goesWrong, hangs, kills, services, stepsOf, waysOn } from "../support/Faults.ts"
import { networks } from "../support/Networks.ts"
import { type Asked, World } from "../support/World.ts"

const added = Effect.fnUntraced(function* (asked: Asked) {
  const world = new World()
  yield* world.add(asked)
  return world
})

describe.each(Object.entries(networks))("%s", async (network, asked) => {
  const names = await Effect.runPromise(
    Effect.flatMap(added(asked), (world) => stepsOf(world, "CHECK", asked, services))
  )

  it("has the expected steps", () => {
    for (const name of ["Records.find", "Vswitch.verify", "SharedDir.verify", "ContainerConfig.verify", "Ipam.check"]) {
      assert.include(names, name)
    }
  })

  let world = await Effect.runPromise(added(asked))
  const before = world.dump()

  describe.each(names.map((name, at) => [at, name] as const))("step %i, %s", (at, name) => {
    it.effect.each([...waysOn(network, name), ...hangs, ...kills])("%s", (way) =>
      Effect.gen(function* () {
        // CHECK changes nothing: one node is enough for all successful ones.
        if (world.dump().join() !== before.join()) world = yield* added(asked)
        const exit = yield* goesWrong(world, "CHECK", asked, services, at, way)
        assert.notStrictEqual(ended(exit), "succeeded")
        assert.deepStrictEqual(world.dump(), before)
        yield* world.call("CHECK", asked)
      })
    )
  })
})
