import { it } from "@effect/vitest"
import { Effect } from "effect"
import { cases } from "../suites/ProcessesSuite.ts"
import * as NodeProcesses from "./support/node/NodeProcesses.ts"

for (const { name, run } of cases) {
  it.live(name, () => run.pipe(Effect.provide(NodeProcesses.layer), Effect.timeout("20 seconds")))
}
