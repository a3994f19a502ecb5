/** Records on the real file system and in memory, and on one that fails. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Records } from "../../../src/attachment/records/Records.ts"
import { ErrorCodes } from "../../../src/cni/types/CniError.ts"
import { Files } from "../../../src/platform/Files.ts"
import * as MemorySite from "../../platform/support/MemorySite.ts"
import * as RealSite from "../../platform/support/RealSite.ts"
import { failing, tree } from "../../shared-dir/support/SharedDirSite.ts"
import { FilesSite } from "../../suites/FilesSite.ts"
import { recordsClaim } from "../../suites/RecordsClaimSuite.ts"
import { recordsEnd } from "../../suites/RecordsEndSuite.ts"
import { runEach } from "../../suites/Run.ts"
import { attachment, claim, remove } from "../support/Recording.ts"

const layers = { "in memory": MemorySite.layer, "on real files": Layer.merge(Files.layer, RealSite.layer) }

describe.each(Object.entries(layers))("%s", (_, layer) => {
  const records = Layer.unwrap(Effect.map(FilesSite, ({ base }) => Records.layer(`${base}/state`)))
  runEach(Layer.provideMerge(records, layer), recordsClaim, recordsEnd)
})

describe("a file system that refuses an operation", () => {
  it.effect.each(["ENOSPC", "EROFS", "EACCES"])(
    "%s is reported with the path and the cure, and nothing stays",
    (code) =>
      Effect.gen(function* () {
        const before = yield* tree
        for (const refused of ["create", "link", "makeDirectory"] as const) {
          const broken = Records.layer("/base/state").pipe(
            Layer.provide(failing((operation) => (operation === refused ? code : undefined)))
          )
          const error = yield* Effect.flip(Effect.provide(claim(attachment()), Layer.fresh(broken)))
          assert.deepStrictEqual([error.code, error.answer], [ErrorCodes.IoFailure, code])
          assert.include(error.operation, " /base/state")
          assert.include(error.cure, "stateDir")
          yield* Effect.provide(remove(attachment()), Layer.fresh(Records.layer("/base/state")))
          assert.deepStrictEqual(yield* tree, before)
        }
        const broken = Records.layer("/base/state").pipe(
          Layer.provide(failing((operation) => (operation === "writable" ? code : undefined)))
        )
        const asked = Effect.flatMap(Records, ({ writable }) => writable)
        const error = yield* Effect.flip(Effect.provide(asked, Layer.fresh(broken)))
        assert.deepStrictEqual([error.code, error.failed], [ErrorCodes.IoFailure, `write to /base: ${code}`])
      }).pipe(Effect.provide(Layer.fresh(MemorySite.layer)))
  )
})
