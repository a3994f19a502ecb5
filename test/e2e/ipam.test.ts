/** The suite of `Ipam` with Debian's host-local as the delegate, which the layer in memory must match. */
import { layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Ipam } from "../../src/ipam/Ipam.ts"
import { directory, real } from "../ipam/support/Plugin.ts"
import { IpamUnderTest, ipamLeases, ipamRanges } from "../suites/IpamSuite.ts"
import { runOn } from "../suites/Run.ts"

const UnderTest = Layer.effect(
  IpamUnderTest,
  Effect.gen(function* () {
    const dataDir = yield* directory
    return { ipam: yield* Ipam, path: "/usr/lib/cni", settings: { dataDir } }
  })
).pipe(Layer.provide(real))

layer(UnderTest, { excludeTestServices: true })("addresses from host-local", (it) => {
  runOn(it.effect, ipamLeases, ipamRanges)
})
