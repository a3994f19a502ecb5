/** A configuration, or what is wrong with it in words. */
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { CniError } from "../spec/CniError.ts"
import type { Configuration, Misfit } from "./Configuration.ts"

/** What is wrong with values that do not fit is said by the schema, which only then is worth loading. */
export const spelledOut = (
  reading: Result.Result<Configuration, CniError | Misfit>
): Effect.Effect<Configuration, CniError> =>
  Effect.catchTag(Effect.fromResult(reading), "Misfit", (misfit) =>
    Effect.flatMap(
      Effect.promise(() => import("./SchemaMismatch.ts")),
      ({ explain }) => Effect.fail(explain(misfit))
    )
  )
