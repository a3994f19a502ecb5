/** The real delegation, to host-local in memory. */
import { layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Ipam } from "../../src/ipam/Ipam.ts"
import { Processes } from "../../src/platform/Processes.ts"
import { MemoryFiles, layer as memoryFiles } from "../platform/support/FilesMemory.ts"
import { IpamUnderTest, ipamLeases, ipamRanges } from "../suites/IpamSuite.ts"
import { runOn } from "../suites/Run.ts"
import { hostLocal, MemoryLeases, program } from "./support/IpamMemory.ts"

const given = new MemoryLeases()
const files = new MemoryFiles([])
files.put(program, "file", "", 0o755)

const UnderTest = Layer.effect(
  IpamUnderTest,
  Effect.map(Ipam, (ipam) => ({ ipam, path: "/opt/cni/bin:/usr/lib/cni", settings: {} }))
).pipe(
  Layer.provide(Ipam.layer),
  Layer.provide([
    memoryFiles(files),
    Layer.succeed(Processes, Processes.of({ run: (run) => Effect.sync(() => hostLocal(given, run)) }))
  ])
)

layer(UnderTest)("addresses from memory", (it) => {
  runOn(it.effect, ipamLeases, ipamRanges)
})
