/** The suite of `Pods`: in memory, on the API server of the tests, and on a real one when KUBECONFIG_TEST names it. */
import { layer } from "@effect/vitest"
import { pods } from "../suites/PodsSuite.ts"
import { runOn } from "../suites/Run.ts"
import * as MemoryUnderTest from "./support/MemoryUnderTest.ts"
import * as RealUnderTest from "./support/RealUnderTest.ts"
import * as ServerUnderTest from "./support/ServerUnderTest.ts"

layer(MemoryUnderTest.layer, { excludeTestServices: true })("in memory", (it) => runOn(it.effect, pods))

layer(ServerUnderTest.layer, { excludeTestServices: true })("on the API server of the tests", (it) =>
  runOn(it.effect, pods)
)

const named = RealUnderTest.kubeconfig !== ""
const title = `on a real API server${named ? "" : " [skipped: KUBECONFIG_TEST is not set]"}`

layer(RealUnderTest.layer, { excludeTestServices: true })(title, (it) => runOn(it.effect.skipIf(!named), pods))
