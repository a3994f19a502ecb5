/**
 * The same one level down: each call of the file system and of the switch fails, or the process is killed there. The
 * calls of a successful run are counted first, so none has to be listed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  canHang,
  conversations,
  disks,
  edges,
  ended,
  goesWrong,
  hangs,
  kills,
  stepsOf,
  type Way,
  ways
} from "../support/Faults.ts"
import { networks } from "../support/Networks.ts"
import { type Asked, type Verb, World } from "../support/World.ts"

interface Where {
  readonly wrong: ReadonlySet<string>
  readonly killed: ReadonlySet<string>
}

/** Calls of the file system fail in the same ways on any switch; what a killed process leaves differs. */
const tried = {
  "client mode": { wrong: edges, killed: edges },
  "server mode, a long directory, device information": { wrong: edges, killed: edges },
  "VPP, memif in a bridge domain": { wrong: conversations, killed: edges },
  "VPP, memif with addresses": { wrong: conversations, killed: conversations },
  "VPP, vhost-user in an administrator's bridge domain, device information": {
    wrong: conversations,
    killed: conversations
  }
} satisfies Partial<Readonly<Record<keyof typeof networks, Where>>>

type Judge = (world: World, before: ReadonlyArray<string>, how: string, step: string) => Effect.Effect<void, unknown>

/**
 * Runs `verb` with each of its steps failing in this way, in sequence on one node, which must be unchanged afterwards:
 * so the next ADD is one after a failure at that step.
 */
const eachStep = (verb: Verb, name: keyof typeof tried, way: Way, judge: Judge) =>
  Effect.gen(function* () {
    const asked = networks[name]
    const chosen = way.startsWith("is killed") ? tried[name].killed : tried[name].wrong
    const world = new World()
    const empty = world.dump()
    const added = verb === "ADD" ? Effect.void : world.add(asked)
    yield* added
    const before = verb === "CHECK" ? world.dump() : empty
    const names = yield* stepsOf(world, verb, asked, chosen)
    assert.isAbove(names.length, chosen === conversations ? 3 : verb === "CHECK" ? 7 : 15)
    if (verb === "ADD") yield* world.call("DEL", asked)
    for (const [at, step] of names.entries()) {
      if (way.startsWith("hangs") && !canHang(step)) continue
      if (verb === "DEL") yield* added
      const exit = yield* goesWrong(world, verb, asked, chosen, at, way)
      yield* judge(world, before, ended(exit), `step ${at}, ${step}, ${way}`)
    }
    if (verb !== "CHECK") yield* world.add(asked)
    yield* world.call("CHECK", asked)
    yield* deleted(world, asked, empty, "at the end")
  })

const deleted = (world: World, asked: Asked, before: ReadonlyArray<string>, step: string) =>
  Effect.gen(function* () {
    yield* world.call("DEL", asked)
    assert.deepStrictEqual(world.dump(), before, step)
  })

/** A defect ends a call like a failure; one kind of it is enough here. */
const here = ways.filter((way) => way !== "dies")

const isTried = (name: string): name is keyof typeof tried => name in tried

describe.each(Object.keys(tried).filter(isTried))("%s", (name) => {
  const asked = networks[name]
  const disk = tried[name].wrong === edges ? disks : []

  it.effect.each([...here, ...hangs, ...disk.slice(0, 1)])("ADD leaves nothing when a call %s", (way) =>
    eachStep("ADD", name, way, (world, before, how, step) =>
      Effect.gen(function* () {
        // Some calls may fail: a scratch file that stays does no harm until DEL removes it.
        if (how === "succeeded") return yield* deleted(world, asked, before, step)
        assert.deepStrictEqual(world.dump(), before, step)
      })
    )
  )

  it.effect.each([...kills, ...disk.slice(1)])(
    "DEL removes what is left of an ADD that %s at a call, and the next ADD succeeds",
    (way) => eachStep("ADD", name, way, (world, before, _, step) => deleted(world, asked, before, step))
  )

  it.effect.each([...here, ...hangs, ...disk])("a second DEL removes what the first has left when a call %s", (way) =>
    eachStep("DEL", name, way, (world, before, _, step) => deleted(world, asked, before, step))
  )

  it.effect.each(kills)("a second DEL removes what one has left that %s at a call, and the next ADD succeeds", (way) =>
    eachStep("DEL", name, way, (world, before, _, step) => deleted(world, asked, before, step))
  )

  it.effect.each([...here, ...hangs, ...kills])("CHECK changes nothing when a call %s", (way) =>
    eachStep("CHECK", name, way, (world, before, _, step) =>
      Effect.sync(() => assert.deepStrictEqual(world.dump(), before, step))
    )
  )
})
