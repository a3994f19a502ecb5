import { it } from "@effect/vitest"
import { Effect } from "effect"
import { cases } from "../suites/HttpsSuite.ts"
import { ports } from "./support/HttpsPeer.ts"
import * as NodeHttps from "./support/node/NodeHttps.ts"

for (const { name, run } of cases) {
  it.live(name, () => Effect.flatMap(ports, run).pipe(Effect.provide(NodeHttps.layer), Effect.timeout("20 seconds")))
}
