import { layer } from "@effect/vitest"
import { limits } from "../suites/VppLimitsSuite.ts"
import { respects } from "../suites/VppOthersSuite.ts"
import { makes } from "../suites/VppPortsSuite.ts"
import { restores } from "../suites/VppRestoreSuite.ts"
import { routes } from "../suites/VppRoutesSuite.ts"
import { together } from "../suites/VppTogetherSuite.ts"
import { tells } from "../suites/VppValuesSuite.ts"
import { vlans } from "../suites/VppVlansSuite.ts"
import { withPolicers } from "./server/Policers.ts"
import * as TestVpp from "./support/TestVpp.ts"

for (const release of ["26.06", "23.02", "21.10"] as const) {
  layer(TestVpp.layer(release), { excludeTestServices: true })(`on a VPP ${release} in TypeScript`, (it) => {
    makes(it.effect)
    routes(it.effect)
    tells(it.effect)
    respects(it.effect)
    restores(it.effect)
    together(it.effect)
    limits(it.effect)
    vlans(it.effect)
  })
}

layer(TestVpp.layer("26.06", withPolicers), { excludeTestServices: true })(
  "on a VPP 26.06 in TypeScript, with its policer plugin",
  (it) => {
    limits(it.effect)
  }
)
