/**
 * ADD and DEL of a pod's interface go wrong at each of their steps, in each way: node and pod are as they were, or one
 * more DEL makes them so. The steps are those that a good call is seen to take.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { goesWrong, kills, services, stepsOf, ways } from "../attachment/support/Faults.ts"
import { asked, PodWorld } from "./support/PodWorld.ts"

const steps = (verb: "ADD" | "DEL", world: PodWorld) => Effect.runPromise(stepsOf(world, verb, asked, services))

const added = Effect.fnUntraced(function* () {
  const world = new PodWorld()
  const before = world.dump()
  yield* world.add(asked)
  assert.notDeepEqual(world.dump(), before)
  return { world, before }
})

describe("ADD", async () => {
  const names = await steps("ADD", new PodWorld())

  it("looks at the pod first, and tells it last", () => {
    assert.strictEqual(names[0], "Handover.site")
    assert.strictEqual(names.at(-1), "Handover.give")
    assert.include(names, "Handover.describe")
  })

  describe.each(names.map((name, at) => [at, name] as const))("step %i, %s", (at) => {
    it.live.each(ways)("%s: all is undone", (way) =>
      Effect.gen(function* () {
        const world = new PodWorld()
        const before = world.dump()
        yield* goesWrong(world, "ADD", asked, services, at, way)
        assert.deepStrictEqual(world.dump(), before)
        yield* world.add(asked)
        yield* world.call("CHECK", asked)
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), before)
      })
    )

    it.live.each(kills)("%s: one DEL leaves nothing", (way) =>
      Effect.gen(function* () {
        const world = new PodWorld()
        const before = world.dump()
        yield* goesWrong(world, "ADD", asked, services, at, way)
        yield* world.call("DEL", { ...asked, netns: "" })
        assert.deepStrictEqual(world.dump(), before)
      })
    )
  })
})

describe("DEL", async () => {
  const names = await Effect.runPromise(added()).then(({ world }) => steps("DEL", world))

  it("takes back what the container was told", () => assert.include(names, "Handover.takeBack"))

  describe.each(names.map((name, at) => [at, name] as const))("step %i, %s", (at) => {
    it.live.each([...ways, ...kills])("%s: the next DEL leaves nothing", (way) =>
      Effect.gen(function* () {
        const { before, world } = yield* added()
        yield* goesWrong(world, "DEL", asked, services, at, way)
        yield* world.call("DEL", { ...asked, netns: "" })
        assert.deepStrictEqual(world.dump(), before)
      })
    )
  })
})
