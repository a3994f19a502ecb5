import { layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Ipam } from "../../src/ipam/Ipam.ts"
import * as IpamMemory from "../../src/ipam/IpamMemory.ts"
import { IpamUnderTest, leases, ranges } from "../suites/IpamSuite.ts"

const UnderTest = Layer.effect(
  IpamUnderTest,
  Effect.map(Ipam, (ipam) => ({ ipam, path: "/opt/cni/bin:/usr/lib/cni", settings: {} }))
).pipe(Layer.provide(IpamMemory.layer(new IpamMemory.MemoryLeases())))

layer(UnderTest)("addresses from memory", (it) => {
  leases(it.effect)
  ranges(it.effect)
})
