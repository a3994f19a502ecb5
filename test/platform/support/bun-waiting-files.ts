/** Runs the suite of `Files` under bun on the layer that waits, and prints the verdicts. */
import { Effect, Layer } from "effect"
import * as WaitingFiles from "../../../src/platform/waiting/WaitingFiles.ts"
import { cases } from "../../suites/FilesSuite.ts"
import * as RealSite from "./RealSite.ts"
import { report } from "./Verdicts.ts"

await report(
  cases.map(({ name, run }) => ({
    name,
    run: Effect.provide(run, Layer.merge(WaitingFiles.layer(), Layer.fresh(RealSite.layer)))
  }))
)
