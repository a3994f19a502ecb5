/** Calls in one process, under bun. */
import { Layer } from "effect"
import { calls } from "../../suites/CallSuite.ts"
import { report } from "../../suites/Report.ts"

await report(Layer.empty, calls)
