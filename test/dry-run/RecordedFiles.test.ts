/** `Files` in a dry run keeps the suite of `Files`, and leaves what is below it as it was. */
import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as FilesMemory from "../../src/dry-run/edges/FilesMemory.ts"
import * as Overlay from "../../src/dry-run/edges/Overlay.ts"
import * as RecordedFiles from "../../src/dry-run/edges/RecordedFiles.ts"
import * as Recorder from "../../src/dry-run/Recorder.ts"
import { Files } from "../../src/platform/Files.ts"
import * as RealSite from "../platform/support/RealSite.ts"
import { FilesSite } from "../suites/FilesSite.ts"
import { cases } from "../suites/FilesSuite.ts"

const recorded = Layer.effect(
  Files,
  Effect.map(Files, (real) => RecordedFiles.make(real, Overlay.make(real), Recorder.make()))
)

describe("over files in memory", () => {
  for (const { name, run } of cases) {
    it.effect(name, () => {
      const state = new FilesMemory.MemoryFiles(["/base"])
      const site = FilesSite.of({
        base: "/base",
        gid: 12345,
        socket: (path) => Effect.sync(() => state.put(path, "socket", "", 0o755))
      })
      return Effect.gen(function* () {
        const before = state.dump()
        yield* run
        assert.deepStrictEqual(
          state.dump().filter((line) => !line.includes(" socket ")),
          before
        )
      }).pipe(
        Effect.provide(Layer.merge(Layer.provide(recorded, FilesMemory.layer(state)), Layer.succeed(FilesSite, site)))
      )
    })
  }
})

describe("over real files", () => {
  for (const { name, run } of cases) {
    it.live(name, () =>
      Effect.gen(function* () {
        const { base } = yield* FilesSite
        yield* run
        const left = Fs.readdirSync(base).filter((entry) => !Fs.lstatSync(`${base}/${entry}`).isSocket())
        assert.deepStrictEqual(left, [])
      }).pipe(Effect.provide(Layer.merge(Layer.provide(recorded, Files.layer), Layer.fresh(RealSite.layer))))
    )
  }
})
