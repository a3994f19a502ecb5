/** bun runs the suite, since its processes exist nowhere else; each of its verdicts becomes a test. */
import { assert, describe, it } from "@effect/vitest"
import { cases } from "../suites/ProcessesSuite.ts"
import { verdictsOf } from "./support/Verdicts.ts"

describe("on bun", () => {
  for (const [name, failure] of verdictsOf("bun-processes.ts", cases)) it(name, () => assert.isNull(failure))
})
