/** The suites of VPP on real ones: each that `VPP_PREFIX` names. */
import { basename } from "node:path"
import { runOn } from "../suites/Run.ts"
import { vppClient } from "../suites/VppClientSuite.ts"
import { vppLimits, vppPolicers } from "../suites/VppLimitsSuite.ts"
import { vppOthers } from "../suites/VppOthersSuite.ts"
import { vppPorts } from "../suites/VppPortsSuite.ts"
import { vppCheck, vppGc } from "../suites/VppProgramsSuite.ts"
import { vppRestore } from "../suites/VppRestoreSuite.ts"
import { vppRoutes } from "../suites/VppRoutesSuite.ts"
import { vppTogether } from "../suites/VppTogetherSuite.ts"
import { vppTraffic } from "../suites/VppTrafficSuite.ts"
import { vppValues } from "../suites/VppValuesSuite.ts"
import { vppVlans } from "../suites/VppVlansSuite.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { underTest } from "./support/RealVpp.ts"
import { onMachine } from "./support/Suite.ts"

for (const prefix of vppPrefixes.length > 0 ? vppPrefixes : [""]) {
  onMachine(["root", "vpp"], underTest(prefix))(`on a real VPP ${basename(prefix)}`, (test) => {
    runOn(
      test,
      vppClient,
      vppPorts,
      vppRoutes,
      vppValues,
      vppOthers,
      vppVlans,
      vppRestore,
      vppTogether,
      vppTraffic,
      vppLimits,
      vppPolicers,
      vppGc,
      vppCheck
    )
  })
}
