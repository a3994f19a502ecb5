import { layer } from "@effect/vitest"
import { runOn } from "../suites/Run.ts"
import { vppCheck, vppGc } from "../suites/VppProgramsSuite.ts"
import * as TestVpp from "./support/TestVpp.ts"

for (const release of ["26.06", "21.10"] as const) {
  layer(TestVpp.layer(release), { excludeTestServices: true })(`on a VPP ${release} in TypeScript`, (it) => {
    runOn(it.effect, vppGc, vppCheck)
  })
}
