import { it } from "@effect/vitest"
import { Effect } from "effect"
import * as NodeSockets from "../../src/platform/NodeSockets.ts"
import { cases } from "../suites/SocketsSuite.ts"

for (const { name, run } of cases) {
  it.live(name, () => run.pipe(Effect.provide(NodeSockets.layer), Effect.timeout("20 seconds")))
}
