/** A configuration, or what is wrong with it in words. */
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { CniError } from "../spec/CniError.ts"
import type { Configuration, SchemaMismatch } from "./Configuration.ts"

/** What is wrong with values that do not fit is said by the schema, which only then is worth loading. */
export const spelledOut = (
  reading: Result.Result<Configuration, CniError | SchemaMismatch>
): Effect.Effect<Configuration, CniError> =>
  Effect.catchTag(Effect.fromResult(reading), "SchemaMismatch", (mismatch) =>
    Effect.flatMap(
      Effect.promise(() => import("./SchemaMismatch.ts")),
      ({ explain }) => Effect.fail(explain(mismatch))
    )
  )
