import { layer } from "@effect/vitest"
import { runOn } from "../../suites/Run.ts"
import { vppClient } from "../../suites/VppClientSuite.ts"
import * as TestVpp from "../support/TestVpp.ts"

for (const release of ["26.06", "23.02", "21.10"] as const) {
  layer(TestVpp.layer(release), { excludeTestServices: true })(`on a VPP ${release} in TypeScript`, (it) => {
    runOn(it.effect, vppClient)
  })
}
