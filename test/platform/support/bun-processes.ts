/** Runs the suite of `Processes` on bun's layer, under bun, and prints the verdicts. */
import { Effect } from "effect"
import * as BunProcesses from "../../../src/platform/bun/BunProcesses.ts"
import { cases } from "../../suites/ProcessesSuite.ts"
import { report } from "./Verdicts.ts"

await report(cases.map(({ name, run }) => ({ name, run: Effect.provide(run, BunProcesses.layer) })))
