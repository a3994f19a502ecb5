/**
 * Many attachments in one base directory concurrently, without locks: in any order of their steps, each keeps its files
 * until it is released, and the last one leaves nothing.
 */
import { assert } from "@effect/vitest"
import { Effect, Random } from "effect"
import { Files } from "../../src/platform/Files.ts"
import { marker } from "../../src/shared-dir/Directories.ts"
import { SharedDir } from "../../src/shared-dir/SharedDir.ts"
import type { SocketPaths } from "../../src/shared-dir/SocketPaths.ts"
import { around, over, placeIn, type SharedDirUnderTest, site, tree } from "../shared-dir/support/SharedDirSite.ts"
import { FilesSite } from "./FilesSite.ts"
import { suite } from "./Suite.ts"

const count = 30

/** Turns for others before each step on the file system: a few, and sometimes enough for a whole life. */
const interleaved = around((step) =>
  Effect.flatMap(
    Effect.flatMap(Random.nextIntBetween(0, 10), (one) => Random.nextIntBetween(0, one === 0 ? 300 : 4)),
    (turns) =>
      Effect.andThen(
        Effect.forEach(Array.from({ length: turns }), () => Effect.yieldNow, { discard: true }),
        step
      )
  )
)

/** One attachment's life: prepared, published, verified after others had their turns, released. */
const life = Effect.fnUntraced(function* (containerId: string, ifName: string) {
  const { base, socket } = yield* FilesSite
  const sharedDir = yield* SharedDir
  const files = yield* Files
  const place = placeIn(base, { containerId, ifName })
  const text = `${containerId} ${ifName}`
  const made = yield* sharedDir.inspect(place)
  yield* sharedDir.prepare(place)
  yield* sharedDir.writeConfig(place, text)
  yield* socket(place.socketPath)
  yield* sharedDir.open(place)
  yield* Effect.yieldNow
  assert.strictEqual(yield* sharedDir.readConfig(place), text)
  assert.deepStrictEqual(yield* sharedDir.verify(place, { socket: true }), [])
  yield* sharedDir.release(place, made)
  assert.isUndefined(yield* files.lstat(place.configPath))
})

/** Concurrent lives, each as if in a separate process. */
const together = (seed: number, name: (index: number) => readonly [containerId: string, ifName: string]) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => name(index)),
    ([id, ifName]) => life(id, ifName),
    {
      concurrency: "unbounded",
      discard: true
    }
  ).pipe(Effect.provide(over(interleaved)), Random.withSeed(seed))

const seeds = Array.from({ length: 3 }, (_, seed) => seed)

const leavesNothing = (prepare: (base: string) => Effect.Effect<void, unknown, Files>) =>
  Effect.gen(function* () {
    const { base } = yield* site
    yield* prepare(base)
    const before = yield* tree
    for (const seed of seeds) {
      yield* together(seed, (index) => [`container${index}`, "net1"])
      assert.deepStrictEqual(yield* tree, before, `after seed ${seed}`)
    }
  })

export const sharedDirTogether = suite<SharedDirUnderTest>("SharedDir, concurrently", (test) => {
  test(`${count} containers in a base directory that did not exist`, () => leavesNothing(() => Effect.void))

  test(`${count} containers in an administrator's base directory`, () =>
    leavesNothing((base) => Effect.flatMap(Files, (files) => files.makeDirectory(`${base}/shared`, 0o755))))

  test("an ADD killed before it marked its directories, in which others live now: the last of them removes them", () =>
    Effect.gen(function* () {
      const { at, base, files, sharedDir } = yield* site
      const before = yield* tree
      const [killed, same, next] = [at({ ifName: "net1" }), at({ ifName: "net2" }), at({ containerId: "other" })]
      const made = yield* sharedDir.inspect(killed)
      for (const directory of made.toReversed()) yield* files.makeDirectory(directory, 0o755)
      const others: Array<readonly [SocketPaths, ReadonlyArray<string>]> = []
      for (const place of [same, next]) {
        others.push([place, yield* sharedDir.inspect(place)])
        yield* sharedDir.prepare(place)
        yield* sharedDir.writeConfig(place, place.socketName)
      }
      yield* sharedDir.release(killed, made)
      for (const [place, own] of others) {
        assert.strictEqual(yield* sharedDir.readConfig(place), place.socketName)
        yield* sharedDir.release(place, own)
      }
      assert.deepStrictEqual(yield* tree, before)
      yield* files.makeDirectory(`${base}/shared`, 0o755)
      yield* files.create(`${base}/shared/theirs`, "", 0o644)
      const theirs = yield* tree
      yield* sharedDir.release(killed, made)
      assert.deepStrictEqual(yield* tree, theirs, "an administrator has made it since")
    }))

  test("an ADD enters while the last DEL cleans up, and leaves before the directory is marked again", () =>
    Effect.gen(function* () {
      const { at, base, sharedDir } = yield* site
      const before = yield* tree
      const [one, other] = [at({ containerId: "one" }), at({ containerId: "other" })]
      const made = yield* sharedDir.inspect(one)
      yield* sharedDir.prepare(one)
      const done = new Set<string>()
      const once = (name: string, self: Effect.Effect<void, unknown>) =>
        done.has(name)
          ? Effect.void
          : Effect.orDie(
              Effect.andThen(
                Effect.sync(() => done.add(name)),
                self
              )
            )
      const meanwhile = around((step, operation, path) =>
        operation === "removeDirectory" && path === `${base}/shared`
          ? Effect.andThen(once("moves in", sharedDir.prepare(other)), step)
          : operation === "create" && path === `${base}/shared/${marker}`
            ? Effect.andThen(once("leaves", sharedDir.release(other, [])), step)
            : step
      )
      yield* Effect.flatMap(SharedDir, (slow) => slow.release(one, made)).pipe(Effect.provide(over(meanwhile)))
      assert.deepStrictEqual([...done], ["moves in", "leaves"])
      assert.deepStrictEqual(yield* tree, before)
    }))
})
