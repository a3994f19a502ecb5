/** Changes in real directories. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Changes } from "../../src/platform/Changes.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/changes-`)),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const watching = Effect.fnUntraced(function* (directories: ReadonlyArray<string>) {
  const changes = yield* Effect.provide(Changes, Changes.layer)
  return yield* Effect.timeoutOption(yield* changes.watch(directories), "1 minute").pipe(
    Effect.forkChild({ startImmediately: true })
  )
})

const cases: ReadonlyArray<readonly [string, (path: string) => void]> = [
  ["a new file", (path) => writeFileSync(`${path}/new`, "")],
  ["a rename", (path) => renameSync(`${path}/old`, `${path}/older`)],
  ["more content", (path) => writeFileSync(`${path}/old`, "more", { flag: "a" })],
  ["a removal", (path) => rmSync(`${path}/old`)]
]

for (const [what, change] of cases) {
  it.live(`${what} is reported, in any of the directories`, () =>
    Effect.gen(function* () {
      const [one, two] = [yield* directory, yield* directory]
      writeFileSync(`${two}/old`, "")
      const told = yield* watching([`${one}/absent`, one, two, two])
      change(two)
      assert.strictEqual((yield* Fiber.join(told))._tag, "Some")
    })
  )
}

it.live("a change before the wait is not lost", () =>
  Effect.gen(function* () {
    const path = yield* directory
    const changes = yield* Effect.provide(Changes, Changes.layer)
    const changed = yield* changes.watch([path])
    mkdirSync(`${path}/new`)
    yield* changed
    yield* changed
  })
)
