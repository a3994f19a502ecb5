import { it } from "@effect/vitest"
import { Effect } from "effect"
import * as NodeHttps from "../../src/platform/NodeHttps.ts"
import { cases } from "../suites/HttpsSuite.ts"
import { ports } from "./support/HttpsPeer.ts"

for (const { name, run } of cases) {
  it.live(name, () => Effect.flatMap(ports, run).pipe(Effect.provide(NodeHttps.layer), Effect.timeout("20 seconds")))
}
