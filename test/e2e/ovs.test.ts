/** The suites of the Open vSwitch layer on a real ovsdb-server and ovs-vswitchd with DPDK. */
import { keeps } from "../suites/OvsClientSuite.ts"
import { faults } from "../suites/VswitchFaultsSuite.ts"
import { legacyPorts } from "../suites/VswitchLegacySuite.ts"
import { looks } from "../suites/VswitchLooksSuite.ts"
import { places } from "../suites/VswitchPlacesSuite.ts"
import { restores } from "../suites/VswitchRestoreSuite.ts"
import { behaves } from "../suites/VswitchSuite.ts"
import { OvsUnderTest } from "./support/OvsUnderTest.ts"
import { onMachine } from "./support/Suite.ts"

onMachine(["root", "ovs"], OvsUnderTest)("on a real Open vSwitch", (test) => {
  keeps(test)
  behaves(test)
  looks(test)
  legacyPorts(test)
  places(test)
  restores(test)
  faults(test)
})
