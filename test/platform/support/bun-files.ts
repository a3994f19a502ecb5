/** Runs the suite of `Files` under bun, whose `node:fs` is its own, and prints the verdicts. */
import { Effect, Layer } from "effect"
import { Files } from "../../../src/platform/Files.ts"
import { cases } from "../../suites/FilesSuite.ts"
import * as RealSite from "./RealSite.ts"
import { report } from "./Verdicts.ts"

await report(
  cases.map(({ name, run }) => ({
    name,
    run: Effect.provide(run, Layer.merge(Files.layer, Layer.fresh(RealSite.layer)))
  }))
)
