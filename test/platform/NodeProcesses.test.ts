import { it } from "@effect/vitest"
import { Effect } from "effect"
import * as NodeProcesses from "../../src/platform/NodeProcesses.ts"
import { cases } from "../suites/ProcessesSuite.ts"

for (const { name, run } of cases) {
  it.live(name, () => run.pipe(Effect.provide(NodeProcesses.layer), Effect.timeout("20 seconds")))
}
