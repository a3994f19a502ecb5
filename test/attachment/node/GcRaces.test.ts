/**
 * GC beside an ADD, which the specification forbids to runtimes, not to people: what is in the list is not disturbed,
 * and what is not in it is removed by the next DEL, wherever the ADD was.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { heldAt, stepsOf } from "../support/Interleaved.ts"
import { networks } from "../support/Networks.ts"
import { type Asked, World, type Wrap } from "../support/World.ts"

const cases: ReadonlyArray<readonly [string, Asked]> = [
  ["client mode", networks["client mode"]],
  ["server mode", networks["server mode, a long directory, device information"]]
]

const test = <E>(name: string, self: () => Effect.Effect<void, E>) => it.live(name, self, 60_000)

const containerId = "0958c8871b32cafe"

const add = (world: World, asked: Asked) => (wrap: Wrap) => world.call("ADD", asked, wrap)

const gc = (world: World, { conf }: Asked, ...ifNames: ReadonlyArray<string>) => {
  const list = ifNames.map((ifname) => ({ containerID: containerId, ifname }))
  return (wrap: Wrap) =>
    world.call("GC", { conf: { ...Object(conf), cniVersion: "1.1.0", "cni.dev/valid-attachments": list } }, wrap)
}

const numbers = (length: number) => Array.from({ length }, (_, index) => index)

describe.each(cases)("%s", (_, asked) => {
  test("an ADD that is held at any step while a GC considers it stale", () =>
    Effect.gen(function* () {
      const steps = yield* stepsOf(add(new World(), asked))
      const ends = new Set<string>()
      for (const at of numbers(steps + 1)) {
        const world = new World()
        const before = world.dump()
        const held = yield* heldAt(at, add(world, asked))
        yield* gc(world, asked)((_, service) => service)
        const exit = yield* held.finish
        ends.add(Exit.isSuccess(exit) ? "well" : "failed")
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), before, `ADD held at ${at}: ${[...ends].at(-1)}`)
      }
      assert.deepStrictEqual(ends, new Set(["well", "failed"]))
    }))

  test("an ADD that is held at any step while a GC that lists it removes another container", () =>
    Effect.gen(function* () {
      const steps = yield* stepsOf(add(new World(), asked))
      for (const at of numbers(steps + 1)) {
        const world = new World()
        const before = world.dump()
        // Multus gives each a separate device information file.
        yield* world.add({ conf: { ...Object(asked.conf), runtimeConfig: {} }, containerId: "c0ffee000000gone" })
        const held = yield* heldAt(at, add(world, asked))
        yield* gc(world, asked, "net1")((_, service) => service)
        yield* held.letGo
        yield* world.call("CHECK", asked)
        assert.notInclude(world.dump().join("\n"), "c0ffee000000gone", `ADD held at ${at}`)
        yield* world.call("DEL", asked)
        assert.deepStrictEqual(world.dump(), before, `ADD held at ${at}`)
      }
    }))
})
