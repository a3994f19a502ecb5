/** The suites of the Open vSwitch layer on a real ovsdb-server and ovs-vswitchd with DPDK. */
import { ovsClient } from "../suites/OvsClientSuite.ts"
import { runOn } from "../suites/Run.ts"
import { ovsFaults } from "../suites/VswitchFaultsSuite.ts"
import { forkPorts } from "../suites/VswitchLegacySuite.ts"
import { ovsDifferences } from "../suites/VswitchLooksSuite.ts"
import { ovsSocketsAndFlows } from "../suites/VswitchPlacesSuite.ts"
import { ovsRestore } from "../suites/VswitchRestoreSuite.ts"
import { ovsPorts } from "../suites/VswitchSuite.ts"
import { ovsTraffic } from "../suites/VswitchTrafficSuite.ts"
import { OvsUnderTest } from "./support/OvsUnderTest.ts"
import { onMachine } from "./support/Suite.ts"

onMachine(["root", "ovs"], OvsUnderTest)("on a real Open vSwitch", (test) => {
  runOn(test, ovsClient, ovsPorts, ovsDifferences, forkPorts, ovsSocketsAndFlows, ovsRestore, ovsFaults, ovsTraffic)
})
