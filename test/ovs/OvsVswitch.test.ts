import { layer } from "@effect/vitest"
import { faults } from "../suites/VswitchFaultsSuite.ts"
import { looks } from "../suites/VswitchLooksSuite.ts"
import { places } from "../suites/VswitchPlacesSuite.ts"
import { behaves } from "../suites/VswitchSuite.ts"
import { MemoryUnderTest } from "./support/MemoryUnderTest.ts"

layer(MemoryUnderTest, { excludeTestServices: true })("on a switch in memory", (it) => {
  behaves(it.effect)
  looks(it.effect)
  places(it.effect)
  faults(it.effect)
})
