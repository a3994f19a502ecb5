/** The executable's file system is bun's: each verdict of the suite there becomes a test. */
import { assert, describe, it } from "@effect/vitest"
import { cases } from "../suites/FilesSuite.ts"
import { verdictsOf } from "./support/Verdicts.ts"

describe("on bun", () => {
  for (const [name, failure] of verdictsOf("bun-files.ts", cases)) it(name, () => assert.isNull(failure))
})
