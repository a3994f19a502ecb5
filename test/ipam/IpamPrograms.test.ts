import { layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Ipam } from "../../src/ipam/Ipam.ts"
import { IpamUnderTest, ipamLeases } from "../suites/IpamSuite.ts"
import { runOn } from "../suites/Run.ts"
import { directory, hostLocal, install, real } from "./support/Plugin.ts"

const UnderTest = Layer.effect(
  IpamUnderTest,
  Effect.gen(function* () {
    const path = yield* directory
    install(path, "host-local", hostLocal)
    return { ipam: yield* Ipam, path: `/nowhere:${path}`, settings: {} }
  })
).pipe(Layer.provide(real))

layer(UnderTest, { excludeTestServices: true })("addresses from a program", (it) => {
  runOn(it.effect, ipamLeases)
})
