/**
 * ADD and DEL of a pod's interface fail at each of their steps, in each way: node and pod are unchanged, or one more
 * DEL restores them, and the attachment can be added again. The steps are those observed in a successful call.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  goesWrong,
  hangs,
  kills,
  otherErrors,
  sameNode,
  services,
  stepsOf,
  ways
} from "../attachment/support/Faults.ts"
import { asked, PodWorld } from "./support/PodWorld.ts"

const steps = (verb: "ADD" | "DEL", world: PodWorld) => Effect.runPromise(stepsOf(world, verb, asked, services))

const added = Effect.fnUntraced(function* () {
  const world = new PodWorld()
  const before = world.dump()
  yield* world.add(asked)
  assert.notDeepEqual(world.dump(), before)
  return { world, before }
})

/** The same attachment: added, checked, with the pod's annotations, and removed completely. */
const worksAgain = Effect.fnUntraced(function* (world: PodWorld, before: ReadonlyArray<string>) {
  yield* world.add(asked)
  yield* world.call("CHECK", asked)
  assert.strictEqual(world.elements()?.length, 1)
  yield* world.call("DEL", asked)
  assert.deepStrictEqual(world.dump(), before)
})

describe("ADD", async () => {
  const names = await steps("ADD", new PodWorld())

  it("reads the pod first, and annotates it last", () => {
    assert.strictEqual(names[0], "ContainerConfig.podMount")
    assert.deepStrictEqual(names.slice(-3), ["ContainerConfig.publish", "SharedDir.writeConfig", "Records.settle"])
    assert.include(names, "ContainerConfig.describe")
  })

  const node = sameNode(() => new PodWorld())

  describe.each(names.map((name, at) => [at, name] as const))("step %i, %s", (at, name) => {
    it.effect.each([...ways, ...otherErrors(name), ...hangs])("%s: all is rolled back", (way) =>
      Effect.gen(function* () {
        const { before, world } = node()
        yield* goesWrong(world, "ADD", asked, services, at, way)
        assert.deepStrictEqual(world.dump(), before)
      })
    )

    it.live.each(kills)("%s: one DEL leaves nothing", (way) =>
      Effect.gen(function* () {
        const { before, world } = node()
        yield* goesWrong(world, "ADD", asked, services, at, way)
        yield* world.call("DEL", { ...asked, netns: "" })
        assert.deepStrictEqual(world.dump(), before)
      })
    )
  })

  it.effect("the next ADD succeeds, after all of them", () => {
    const { before, world } = node()
    return worksAgain(world, before)
  })
})

describe("DEL", async () => {
  const names = await Effect.runPromise(added()).then(({ world }) => steps("DEL", world))

  it("removes the container config", () => assert.include(names, "ContainerConfig.withdraw"))

  const node = sameNode(() => new PodWorld())

  describe.each(names.map((name, at) => [at, name] as const))("step %i, %s", (at, name) => {
    it.effect.each([...ways, ...otherErrors(name), ...hangs, ...kills])(
      "%s: the next DEL leaves nothing, then ADD succeeds",
      (way) =>
        Effect.gen(function* () {
          const { before, world } = node()
          yield* world.add(asked)
          yield* goesWrong(world, "DEL", asked, services, at, way)
          yield* world.call("DEL", { ...asked, netns: "" })
          assert.deepStrictEqual(world.dump(), before)
        })
    )
  })

  it.effect("the next ADD succeeds, after all of them", () => {
    const { before, world } = node()
    return worksAgain(world, before)
  })
})
