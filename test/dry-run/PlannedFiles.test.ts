/** `Files` in a dry run passes the suites of `Files`, and leaves the layer below unchanged. */
import * as Fs from "node:fs"
import { assert, describe } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as PlannedFiles from "../../src/dry-run/edges/PlannedFiles.ts"
import { planRecorder } from "../../src/dry-run/plan/Plan.ts"
import { Files } from "../../src/platform/Files.ts"
import * as FilesMemory from "../platform/support/FilesMemory.ts"
import * as MemorySite from "../platform/support/MemorySite.ts"
import * as RealSite from "../platform/support/RealSite.ts"
import { filesHeld } from "../suites/FilesHeldSuite.ts"
import { filesNames } from "../suites/FilesNamesSuite.ts"
import { FilesSite, type FilesUnderTest } from "../suites/FilesSite.ts"
import { files } from "../suites/FilesSuite.ts"
import { runEach } from "../suites/Run.ts"
import { around } from "../suites/Suite.ts"

/** The files below, except sockets, which `Files` does not create. */
class Below extends Context.Service<Below, () => ReadonlyArray<string>>()("userspace-cni/test/Below") {}

const untouched = [files, filesNames, filesHeld].map((suite) =>
  around<FilesUnderTest | Below>(suite, (body) =>
    Effect.gen(function* () {
      const look = yield* Below
      const before = look()
      yield* body
      assert.deepStrictEqual(look(), before)
    })
  )
)

const recorded = Layer.effect(
  Files,
  Effect.map(Files, (real) => PlannedFiles.make(real, planRecorder()).files)
)

const inMemory = Layer.suspend(() => {
  const { site, state } = MemorySite.make()
  const look = () => state.dump().filter((line) => !line.includes(" socket "))
  return Layer.mergeAll(Layer.provide(recorded, FilesMemory.layer(state)), site, Layer.succeed(Below, look))
})

const onRealFiles = Layer.effect(
  Below,
  Effect.map(
    FilesSite,
    ({ base }) =>
      () =>
        Fs.readdirSync(base).filter((entry) => !Fs.lstatSync(`${base}/${entry}`).isSocket())
  )
).pipe(Layer.provideMerge(Layer.merge(Layer.provide(recorded, Files.layer), RealSite.layer)))

describe("over files in memory", () => runEach(inMemory, ...untouched))

describe("over real files", () => runEach(onRealFiles, ...untouched))
