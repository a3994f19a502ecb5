/**
 * DEL fails at each of its steps, in each way: the other steps are done, all failures are reported, the record stays,
 * and a second DEL leaves nothing.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ended, goesWrong, hangs, services, stepsOf, waysOn } from "../support/Faults.ts"
import { networks } from "../support/Networks.ts"
import { type Asked, World } from "../support/World.ts"

/** A line of the log that has a cause and no words. */
const isSilent = (line: string) => /^\w+: *$/.test(line)

const added = Effect.fnUntraced(function* (asked: Asked) {
  const world = new World()
  const before = world.dump()
  yield* world.add(asked)
  return { world, before }
})

describe.each(Object.entries(networks))("%s", async (network, asked) => {
  const names = await Effect.runPromise(
    Effect.flatMap(added(asked), ({ world }) => stepsOf(world, "DEL", asked, services))
  )

  it("has the expected steps", () => {
    for (const name of ["Vswitch.unplug", "Ipam.del", "SharedDir.release", "Records.remove"])
      assert.include(names, name)
  })

  describe.each(names.map((name, at) => [at, name] as const))("step %i, %s", (at, name) => {
    it.effect.each([...waysOn(network, name), ...hangs])("%s", (way) =>
      Effect.gen(function* () {
        const { before, world } = yield* added(asked)
        const exit = yield* goesWrong(world, "DEL", asked, services, at, way)
        if (way.startsWith("fails") && !way.endsWith("after its effect") && ended(exit) === "failed") {
          const recorded = world.files.names("/var/lib/cni/usrspcni/attachments")
          assert.include(recorded, "0958c8871b32-net1.json")
        }
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), before)
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), before)
        assert.deepStrictEqual(world.log.filter(isSilent), [])
      })
    )
  })
})
