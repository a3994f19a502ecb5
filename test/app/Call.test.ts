/** Calls in one process, as an executable of bun makes them: each of its verdicts becomes a test. */
import { assert, it } from "@effect/vitest"
import { cases } from "../cni/support/CallCases.ts"
import { verdictsOf } from "../platform/support/Verdicts.ts"

for (const [name, failure] of verdictsOf("../../cni/support/bun-calls.ts", cases))
  it(name, () => assert.isNull(failure))
