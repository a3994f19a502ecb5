/** What was read from a configuration, or an error that explains what is wrong with it. */
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { CniError } from "../types/CniError.ts"
import type { SchemaMismatch } from "./Configuration.ts"

/** Explains a schema mismatch; the schema is loaded only then. */
export const spelledOut = <A>(reading: Result.Result<A, CniError | SchemaMismatch>): Effect.Effect<A, CniError> =>
  Effect.catchTag(Effect.fromResult(reading), "SchemaMismatch", (mismatch) =>
    Effect.flatMap(
      Effect.promise(() => import("./SchemaMismatch.ts")),
      ({ explain }) => Effect.fail(explain(mismatch))
    )
  )
