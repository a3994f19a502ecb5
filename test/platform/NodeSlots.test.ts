import { it } from "@effect/vitest"
import { Effect } from "effect"
import * as NodeSlots from "../../src/platform/NodeSlots.ts"
import { cases } from "../suites/SlotsSuite.ts"

for (const { name, run } of cases) {
  it.live(name, () => run.pipe(Effect.provide(NodeSlots.layer), Effect.timeout("20 seconds")))
}
