/** `container vpp` on VPPs in TypeScript of each generation; real ones run the same suite end to end. */
import { layer } from "@effect/vitest"
import { containerVpp } from "../suites/ContainerVppSuite.ts"
import { runOn } from "../suites/Run.ts"
import * as TestVpp from "../vpp/support/TestVpp.ts"

for (const release of ["21.10", "23.02", "26.06"] as const) {
  layer(TestVpp.layer(release), { excludeTestServices: true })(`container vpp on VPP ${release}`, (it) => {
    runOn(it.effect, containerVpp)
  })
}
