/**
 * The same one level down: each single call of the file system and of the switch goes wrong, or the process is killed
 * there. What a good ADD does is counted first, so nothing has to be named.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { edges, ended, goesWrong, kills, stepsOf, type Way, ways } from "./support/Faults.ts"
import { networks } from "./support/Networks.ts"
import { type Asked, type Verb, World } from "./support/World.ts"

/** Runs `verb` with each of its steps going wrong in this way, each on a node of its own. */
const eachStep = (
  verb: Verb,
  asked: Asked,
  way: Way,
  judge: (world: World, before: ReadonlyArray<string>, how: string, step: string) => Effect.Effect<void, unknown>
) =>
  Effect.gen(function* () {
    const nodeFor = Effect.fnUntraced(function* () {
      const world = new World()
      const before = world.dump()
      if (verb === "DEL") yield* world.add(asked)
      return { world, before }
    })
    const names = yield* stepsOf((yield* nodeFor()).world, verb, asked, edges)
    assert.isAbove(names.length, 15)
    for (const [at, name] of names.entries()) {
      const { before, world } = yield* nodeFor()
      const exit = yield* goesWrong(world, verb, asked, edges, at, way)
      yield* judge(world, before, ended(exit), `step ${at}, ${name}, ${way}`)
    }
  })

const deleted = (world: World, asked: Asked, before: ReadonlyArray<string>, step: string) =>
  Effect.gen(function* () {
    yield* world.call("DEL", asked)
    assert.deepStrictEqual(world.dump(), before, step)
  })

/** A defect is an end like a failure; one kind of it is enough here. */
const here = ways.filter((way) => way !== "dies")

describe.each(["client mode", "server mode, a long directory, device information"] as const)("%s", (name) => {
  const asked = networks[name]

  it.live.each(here)("ADD leaves nothing when a call %s", (way) =>
    eachStep("ADD", asked, way, (world, before, how, step) =>
      Effect.gen(function* () {
        // Some calls may fail: a scratch file that stays does no harm until DEL takes it.
        if (how === "succeeded") return yield* deleted(world, asked, before, step)
        assert.deepStrictEqual(world.dump(), before, step)
      })
    )
  )

  it.live.each(kills)("DEL takes what is left of an ADD that %s at a call", (way) =>
    eachStep("ADD", asked, way, (world, before, _, step) => deleted(world, asked, before, step))
  )

  it.live.each([...here, ...kills])("a second DEL takes what the first has left when a call %s", (way) =>
    eachStep("DEL", asked, way, (world, before, _, step) => deleted(world, asked, before, step))
  )
})
