import { layer } from "@effect/vitest"
import { ovsClient } from "../suites/OvsClientSuite.ts"
import { runOn } from "../suites/Run.ts"
import { ovsFaults } from "../suites/VswitchFaultsSuite.ts"
import { forkPorts } from "../suites/VswitchLegacySuite.ts"
import { ovsDifferences } from "../suites/VswitchLooksSuite.ts"
import { ovsSocketsAndFlows } from "../suites/VswitchPlacesSuite.ts"
import { ovsRestore } from "../suites/VswitchRestoreSuite.ts"
import { ovsPorts } from "../suites/VswitchSuite.ts"
import { ovsTraffic } from "../suites/VswitchTrafficSuite.ts"
import { MemoryUnderTest } from "./support/MemoryUnderTest.ts"

layer(MemoryUnderTest, { excludeTestServices: true })("on a switch in memory", (it) => {
  runOn(
    it.effect,
    ovsClient,
    ovsPorts,
    ovsDifferences,
    forkPorts,
    ovsSocketsAndFlows,
    ovsRestore,
    ovsFaults,
    ovsTraffic
  )
})
