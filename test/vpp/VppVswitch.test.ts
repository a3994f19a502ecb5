import { layer } from "@effect/vitest"
import { runOn } from "../suites/Run.ts"
import { vppLimits, vppPolicers } from "../suites/VppLimitsSuite.ts"
import { vppOthers } from "../suites/VppOthersSuite.ts"
import { vppPorts } from "../suites/VppPortsSuite.ts"
import { vppRestore } from "../suites/VppRestoreSuite.ts"
import { vppRoutes } from "../suites/VppRoutesSuite.ts"
import { vppTogether } from "../suites/VppTogetherSuite.ts"
import { vppTraffic } from "../suites/VppTrafficSuite.ts"
import { vppValues } from "../suites/VppValuesSuite.ts"
import { vppVlans } from "../suites/VppVlansSuite.ts"
import { withPolicers } from "./server/Policers.ts"
import * as TestVpp from "./support/TestVpp.ts"

for (const release of ["26.06", "23.02", "21.10"] as const) {
  layer(TestVpp.layer(release), { excludeTestServices: true })(`on a VPP ${release} in TypeScript`, (it) => {
    runOn(
      it.effect,
      vppPorts,
      vppRoutes,
      vppValues,
      vppOthers,
      vppRestore,
      vppTogether,
      vppLimits,
      vppVlans,
      vppTraffic
    )
  })
}

layer(TestVpp.layer("26.06", withPolicers), { excludeTestServices: true })(
  "on a VPP 26.06 in TypeScript, with its policer plugin",
  (it) => {
    runOn(it.effect, vppLimits, vppPolicers)
  }
)
