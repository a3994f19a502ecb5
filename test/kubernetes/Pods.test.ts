/** The suite of `Pods`: in memory, on the API server of the tests, and on a real one when KUBECONFIG_TEST names it. */
import { layer } from "@effect/vitest"
import { suite } from "../suites/PodsSuite.ts"
import * as MemoryUnderTest from "./support/MemoryUnderTest.ts"
import * as RealUnderTest from "./support/RealUnderTest.ts"
import * as ServerUnderTest from "./support/ServerUnderTest.ts"

layer(MemoryUnderTest.layer, { excludeTestServices: true })("Pods in memory", (it) => suite(it.effect))

layer(ServerUnderTest.layer, { excludeTestServices: true })("Pods on the API server of the tests", (it) =>
  suite(it.effect)
)

const named = RealUnderTest.kubeconfig !== ""
const title = `Pods on a real API server${named ? "" : " [skipped: KUBECONFIG_TEST is not set]"}`

layer(RealUnderTest.layer, { excludeTestServices: true })(title, (it) => suite(it.effect.skipIf(!named)))
