/** The suites of VPP on real ones: each that `VPP_PREFIX` names. */
import { basename } from "node:path"
import { talks } from "../suites/VppClientSuite.ts"
import { limits } from "../suites/VppLimitsSuite.ts"
import { respects } from "../suites/VppOthersSuite.ts"
import { makes } from "../suites/VppPortsSuite.ts"
import { checks, collects } from "../suites/VppProgramsSuite.ts"
import { restores } from "../suites/VppRestoreSuite.ts"
import { routes } from "../suites/VppRoutesSuite.ts"
import { together } from "../suites/VppTogetherSuite.ts"
import { tells } from "../suites/VppValuesSuite.ts"
import { vlans } from "../suites/VppVlansSuite.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { underTest } from "./support/RealVpp.ts"
import { onMachine } from "./support/Suite.ts"

for (const prefix of vppPrefixes.length > 0 ? vppPrefixes : [""]) {
  onMachine(["root", "vpp"], underTest(prefix))(`on a real VPP ${basename(prefix)}`, (test) => {
    talks(test)
    makes(test)
    routes(test)
    tells(test)
    respects(test)
    vlans(test)
    restores(test)
    together(test)
    limits(test)
    collects(test)
    checks(test)
  })
}
