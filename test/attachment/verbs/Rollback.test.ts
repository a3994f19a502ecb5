/**
 * ADD fails at each of its steps, in each way: the node is as it was, and the next ADD works, which fails at the next
 * step, and in the end at none. The steps are those observed in a successful ADD, on the services of the programs.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ended, goesWrong, hangs, sameNode, services, stepsOf, waysOn } from "../support/Faults.ts"
import { networks } from "../support/Networks.ts"
import { World } from "../support/World.ts"

const expected = { fails: "failed", hangs: "failed", dies: "died", "is interrupted": "interrupted" }

/** A line of the log that has a cause and no words. */
const isSilent = (line: string) => /^\w+: *$/.test(line)

describe.each(Object.entries(networks))("%s", async (network, asked) => {
  const names = await Effect.runPromise(stepsOf(new World(), "ADD", asked, services))

  it("has the expected steps", () => {
    for (const name of ["Records.claim", "Vswitch.preflight", "SharedDir.prepare", "Vswitch.plug", "Ipam.add"]) {
      assert.include(names, name)
    }
  })

  it("finds the IPAM plugin before it changes anything", () => {
    assert.isBelow(names.indexOf("Ipam.preflight"), names.indexOf("Records.claim"))
  })

  const node = sameNode(() => new World())

  describe.each(names.map((name, at) => [at, name] as const))("step %i, %s", (at, name) => {
    it.effect.each([...waysOn(network, name), ...hangs])("%s", (way) =>
      Effect.gen(function* () {
        const { before, world } = node()
        const exit = yield* goesWrong(world, "ADD", asked, services, at, way)
        assert.strictEqual(ended(exit), Object.entries(expected).find(([start]) => way.startsWith(start))?.[1])
        assert.deepStrictEqual(world.dump(), before)
        assert.deepStrictEqual(world.log.filter(isSilent), [])
      })
    )
  })

  it.effect("the next ADD succeeds, after all of them", () =>
    Effect.gen(function* () {
      const { before, world } = node()
      yield* world.add(asked)
      yield* world.call("CHECK", asked)
      yield* world.call("DEL", asked)
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})
