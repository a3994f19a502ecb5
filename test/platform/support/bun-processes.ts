/** The suite of `Processes` on bun's layer, under bun. */
import * as BunEdges from "../../../src/platform/bun/BunEdges.ts"
import { processes } from "../../suites/ProcessesSuite.ts"
import { report } from "../../suites/Report.ts"

await report(BunEdges.processesLayer, processes)
