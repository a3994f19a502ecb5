/** A configuration, or an error that explains what is wrong with it. */
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { CniError } from "../spec/CniError.ts"
import type { Configuration, SchemaMismatch } from "./Configuration.ts"

/** Explains a schema mismatch; the schema is loaded only then. */
export const spelledOut = (
  reading: Result.Result<Configuration, CniError | SchemaMismatch>
): Effect.Effect<Configuration, CniError> =>
  Effect.catchTag(Effect.fromResult(reading), "SchemaMismatch", (mismatch) =>
    Effect.flatMap(
      Effect.promise(() => import("./SchemaMismatch.ts")),
      ({ explain }) => Effect.fail(explain(mismatch))
    )
  )
