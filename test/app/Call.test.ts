/** Calls in one process, as an executable of bun makes them. */
import { calls } from "../suites/CallSuite.ts"
import { runUnderBun } from "../suites/Run.ts"

runUnderBun("app/support/bun-calls.ts", [calls])
