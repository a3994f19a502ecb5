import { layer } from "@effect/vitest"
import { keeps } from "../suites/OvsClientSuite.ts"
import { faults } from "../suites/VswitchFaultsSuite.ts"
import { legacyPorts } from "../suites/VswitchLegacySuite.ts"
import { looks } from "../suites/VswitchLooksSuite.ts"
import { places } from "../suites/VswitchPlacesSuite.ts"
import { restores } from "../suites/VswitchRestoreSuite.ts"
import { behaves } from "../suites/VswitchSuite.ts"
import { MemoryUnderTest } from "./support/MemoryUnderTest.ts"

layer(MemoryUnderTest, { excludeTestServices: true })("on a switch in memory", (it) => {
  keeps(it.effect)
  behaves(it.effect)
  looks(it.effect)
  legacyPorts(it.effect)
  places(it.effect)
  restores(it.effect)
  faults(it.effect)
})
