/** The suite of `Processes` on bun's layer, under bun. */
import * as BunProcesses from "../../../src/platform/bun/BunProcesses.ts"
import { processes } from "../../suites/ProcessesSuite.ts"
import { report } from "../../suites/Report.ts"

await report(BunProcesses.layer, processes)
