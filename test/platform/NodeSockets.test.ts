import { it } from "@effect/vitest"
import { Effect } from "effect"
import { cases } from "../suites/SocketsSuite.ts"
import * as NodeSockets from "./support/node/NodeSockets.ts"

for (const { name, run } of cases) {
  it.live(name, () => run.pipe(Effect.provide(NodeSockets.layer), Effect.timeout("20 seconds")))
}
