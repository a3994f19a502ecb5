import { it } from "@effect/vitest"
import { Effect } from "effect"
import { cases } from "../suites/SlotsSuite.ts"
import * as NodeSlots from "./support/node/NodeSlots.ts"

for (const { name, run } of cases) {
  it.live(name, () => run.pipe(Effect.provide(NodeSlots.layer), Effect.timeout("20 seconds")))
}
