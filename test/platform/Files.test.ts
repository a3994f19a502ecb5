import { it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Files } from "../../src/platform/Files.ts"
import { cases } from "../suites/FilesSuite.ts"
import * as RealSite from "./support/RealSite.ts"

for (const { name, run } of cases) {
  it.live(name, () => run.pipe(Effect.provide(Layer.merge(Files.layer, Layer.fresh(RealSite.layer)))))
}
