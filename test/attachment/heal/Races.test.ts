/**
 * A round of healing beside an ADD, a DEL and another restore of the same attachment: each held at every step while the
 * other runs, by the rules in the header of `Decide.ts`. After a DEL nothing is left, in any order; an ADD is not
 * disturbed; and a port that must exist exists.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Memory, minute, nothing } from "../../../src/attachment/heal/Decide.ts"
import { ofSwitch } from "../../../src/attachment/heal/Round.ts"
import { idOf } from "../../../src/attachment/node/Survey.ts"
import type { Record } from "../../../src/attachment/records/Record.ts"
import { copied } from "../support/Copied.ts"
import { edges } from "../support/Faults.ts"
import { heldAt, stepsOf } from "../support/Interleaved.ts"
import { network, networks } from "../support/Networks.ts"
import { type Asked, runDir, stateDir, type Verb, World, type Wrap } from "../support/World.ts"

const cases: ReadonlyArray<readonly [string, Asked]> = [
  ["client mode", networks["client mode"]],
  ["server mode", { conf: { ...network, host: { ...network.host, vhost: { mode: "server" } } } }]
]

/** Some tests try a thousand orders, perhaps on a busy machine. */
const test = <E>(name: string, self: () => Effect.Effect<void, E>) => it.live(name, self, 300_000)

const none = new World().dump()
const path = `${stateDir}/attachments/0958c8871b32-net1.json`

const round =
  (world: World, memory: Memory = nothing, dry = false) =>
  (wrap: Wrap) =>
    world.resident(
      (switches) =>
        ofSwitch({ engine: "ovs-dpdk", control: `${runDir}/db.sock` }, memory, {
          switches,
          variables: { CNI_PATH: "/opt/cni/bin" },
          repair: "missing",
          dry
        }),
      wrap
    )

const call = (world: World, verb: Verb, asked: Asked) => (wrap: Wrap) => Effect.orDie(world.call(verb, asked, wrap))

const attached = copied((asked: Asked) => {
  const world = new World()
  return Effect.as(world.add(asked), { world })
})

/** Attached, and the switch has lost the port. */
const lost = Effect.fnUntraced(function* (asked: Asked) {
  const { world } = yield* attached(asked)
  world.ovs.empty()
  return world
})

/** Attached, and the sandbox has been gone for a while. */
const stale = Effect.fnUntraced(function* (asked: Asked) {
  const { world } = yield* attached(asked)
  world.namespace = () => "missing"
  const record: Record = JSON.parse(world.files.get(path)?.content ?? "")
  return { world, memory: { ...nothing, gone: new Map([[idOf(record), -2 * minute]]) } satisfies Memory }
})

const numbers = (length: number) => Array.from({ length }, (_, index) => index)

describe.each(cases)("%s", (_, asked) => {
  test("a DEL that is held at any step while a round restores up to any step, and continues first", () =>
    Effect.gen(function* () {
      const dels = yield* stepsOf(call(yield* lost(asked), "DEL", asked))
      const rounds = yield* stepsOf(round(yield* lost(asked)))
      assert.isAbove(dels * rounds, 50)
      for (const [at, to] of numbers(dels).flatMap((at) => numbers(rounds + 1).map((to) => [at, to] as const))) {
        const world = yield* lost(asked)
        const del = yield* heldAt(at, call(world, "DEL", asked))
        const other = yield* heldAt(to, round(world))
        yield* del.letGo
        yield* other.letGo
        assert.deepStrictEqual(world.dump(), none, `DEL held at ${at}, round at ${to}`)
      }
    }))

  test("a round that is held at any step while a DEL runs up to any step, and continues first", () =>
    Effect.gen(function* () {
      const dels = yield* stepsOf(call(yield* lost(asked), "DEL", asked))
      const rounds = yield* stepsOf(round(yield* lost(asked)))
      for (const [at, to] of numbers(rounds).flatMap((at) => numbers(dels + 1).map((to) => [at, to] as const))) {
        const world = yield* lost(asked)
        const held = yield* heldAt(at, round(world))
        const del = yield* heldAt(to, call(world, "DEL", asked))
        const { found } = yield* held.letGo
        yield* del.letGo
        for (const { outcome } of found) {
          if (outcome._tag === "Failed") assert.fail(`round held at ${at}, DEL at ${to}: ${outcome.error.msg}`)
        }
        assert.deepStrictEqual(world.dump(), none, `round held at ${at}, DEL at ${to}`)
      }
    }))

  test("an ADD that is held at any step is not disturbed or reported", () =>
    Effect.gen(function* () {
      const steps = yield* stepsOf(call(new World(), "ADD", asked))
      for (const at of numbers(steps)) {
        const world = new World()
        const add = yield* heldAt(at, call(world, "ADD", asked))
        const before = world.dump()
        const { found } = yield* round(world)((_, service) => service)
        assert.deepStrictEqual(found, [], `ADD held at ${at}`)
        assert.deepStrictEqual(world.dump(), before, `ADD held at ${at}`)
        yield* add.letGo
        yield* world.call("CHECK", asked)
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), none, `ADD held at ${at}`)
      }
    }))

  test("an ADD that begins during an inspection held at any step is not reported as a port without a record", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ ...asked, containerId: "another" })
      const steps = yield* stepsOf(round(world), edges)
      for (const at of numbers(steps)) {
        const own = new World()
        yield* own.add({ ...asked, containerId: "another" })
        const held = yield* heldAt(at, round(own), edges)
        yield* own.add(asked)
        assert.deepStrictEqual((yield* held.letGo).found, [], `look held at ${at}`)
      }
    }))

  test("our DEL and the runtime's, each held at any step while the other runs", () =>
    Effect.gen(function* () {
      const { memory, world: first } = yield* stale(asked)
      const rounds = yield* stepsOf(round(first, memory))
      assert.deepStrictEqual(first.dump(), none)
      for (const at of numbers(rounds)) {
        const { memory, world } = yield* stale(asked)
        const held = yield* heldAt(at, round(world, memory))
        yield* world.call("DEL", { ...asked, netns: "" })
        yield* held.letGo
        assert.deepStrictEqual(world.dump(), none, `round held at ${at}`)
      }
      const dels = yield* stepsOf(call((yield* stale(asked)).world, "DEL", asked))
      for (const at of numbers(dels)) {
        const { memory, world } = yield* stale(asked)
        const del = yield* heldAt(at, call(world, "DEL", { ...asked, netns: "" }))
        yield* round(world, memory)((_, service) => service)
        yield* del.letGo
        assert.deepStrictEqual(world.dump(), none, `DEL held at ${at}`)
      }
    }))

  test("an attachment deleted and added again before its DEL is not deleted", () =>
    Effect.gen(function* () {
      const looks = yield* stepsOf(round((yield* stale(asked)).world, nothing, true))
      // The record is read once more, and then the DEL begins.
      for (const at of numbers(looks + 1)) {
        const { memory, world } = yield* stale(asked)
        world.namespace = (netns) => (netns === "/n/b" ? "sandbox" : "missing")
        const held = yield* heldAt(at, round(world, memory))
        yield* world.call("DEL", { ...asked, netns: "" })
        yield* world.add({ ...asked, netns: "/n/b" })
        const before = world.dump()
        const { found } = yield* held.letGo
        assert.isTrue(
          found.every(({ outcome }) => outcome._tag === "Passed"),
          `held at ${at}`
        )
        assert.deepStrictEqual(world.dump(), before, `held at ${at}`)
      }
    }))

  test("two rounds, or a round and `userspace restore`, held at any step: the port exists once", () =>
    Effect.gen(function* () {
      const whole = new World()
      yield* whole.add(asked)
      const rounds = yield* stepsOf(round(yield* lost(asked)), edges)
      for (const other of [round, (world: World) => () => world.restore()]) {
        for (const at of numbers(rounds)) {
          const world = yield* lost(asked)
          const before = whole.ovs.dump().length
          const held = yield* heldAt(at, round(world), edges)
          yield* other(world)((_, service) => service)
          yield* held.letGo
          yield* world.restore()
          assert.lengthOf(world.ovs.dump(), before, `held at ${at}`)
          yield* world.call("CHECK", asked)
          yield* world.call("DEL", asked)
          assert.deepStrictEqual(world.dump(), none, `held at ${at}`)
        }
      }
    }))
})
