/** Records on the real file system and in memory, and on one that refuses. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Records } from "../../src/attachment/records/Records.ts"
import { ErrorCodes } from "../../src/cni/spec/ErrorCodes.ts"
import * as FilesMemory from "../../src/dry-run/edges/FilesMemory.ts"
import { Files } from "../../src/platform/Files.ts"
import * as RealSite from "../platform/support/RealSite.ts"
import { failing, tree } from "../shared-dir/support/SharedDirSite.ts"
import { FilesSite } from "../suites/FilesSite.ts"
import { claiming } from "../suites/RecordsClaimSuite.ts"
import { ending } from "../suites/RecordsEndSuite.ts"
import { attachment, claim, remove } from "./support/Recording.ts"

const memory = Layer.suspend(() => {
  const state = new FilesMemory.MemoryFiles(["/base"])
  const socket = (path: string) => Effect.sync(() => state.put(path, "socket"))
  return Layer.merge(
    FilesMemory.layer(state),
    Layer.succeed(FilesSite, FilesSite.of({ base: "/base", gid: 12345, socket }))
  )
})

const layers = { "in memory": memory, "on real files": Layer.merge(Files.layer, RealSite.layer) }

describe.each(Object.entries(layers))("%s", (_, layer) => {
  const records = Layer.unwrap(
    Effect.map(FilesSite, ({ base }) => Layer.effect(Records, Records.make(`${base}/state`)))
  )
  for (const [name, run] of Object.entries({ ...claiming, ...ending })) {
    it.live(name, () => run.pipe(Effect.provide(Layer.provideMerge(Layer.fresh(records), Layer.fresh(layer)))))
  }
})

describe("a file system that refuses", () => {
  it.effect.each(["ENOSPC", "EROFS", "EACCES"])("%s is told with the path and what to do, and nothing stays", (code) =>
    Effect.gen(function* () {
      const before = yield* tree
      for (const refused of ["create", "link", "makeDirectory"] as const) {
        const broken = Layer.effect(Records, Records.make("/base/state")).pipe(
          Layer.provide(failing((operation) => (operation === refused ? code : undefined)))
        )
        const error = yield* Effect.flip(Effect.provide(claim(attachment()), Layer.fresh(broken)))
        assert.deepStrictEqual([error.code, error.answer], [ErrorCodes.IoFailure, code])
        assert.include(error.path, "/base/state")
        assert.include(error.cure, "stateDir")
        yield* Effect.provide(remove(attachment()), Layer.fresh(Layer.effect(Records, Records.make("/base/state"))))
        assert.deepStrictEqual(yield* tree, before)
      }
      const broken = Layer.effect(Records, Records.make("/base/state")).pipe(
        Layer.provide(failing((operation) => (operation === "writable" ? code : undefined)))
      )
      const asked = Effect.flatMap(Records, ({ writable }) => writable)
      const error = yield* Effect.flip(Effect.provide(asked, Layer.fresh(broken)))
      assert.deepStrictEqual([error.code, error.answer, error.path], [ErrorCodes.IoFailure, code, "/base"])
    }).pipe(Effect.provide(Layer.fresh(memory)))
  )
})
