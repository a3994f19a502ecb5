/** Runs the cases of calls in one process under bun, and prints the verdicts. */
import { report } from "../../platform/support/Verdicts.ts"
import { cases } from "./CallCases.ts"

await report(cases)
