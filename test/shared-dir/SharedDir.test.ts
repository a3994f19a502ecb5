/** The suites of `SharedDir`, on the real file system and in memory. */
import { describe } from "@effect/vitest"
import { Layer } from "effect"
import { Files } from "../../src/platform/Files.ts"
import { SharedDir } from "../../src/shared-dir/SharedDir.ts"
import * as MemorySite from "../platform/support/MemorySite.ts"
import * as RealSite from "../platform/support/RealSite.ts"
import { hostileContainer } from "../suites/HostileContainerSuite.ts"
import { hostileSwaps } from "../suites/HostileSwapsSuite.ts"
import { runEach } from "../suites/Run.ts"
import { sharedDirFaults, sharedDirMounts } from "../suites/SharedDirFaultsSuite.ts"
import { sharedDirMakes } from "../suites/SharedDirMakingSuite.ts"
import { sharedDirRemoves, sharedDirTells } from "../suites/SharedDirSuite.ts"
import { sharedDirTogether } from "../suites/SharedDirTogetherSuite.ts"
import { noProcesses } from "./support/SharedDirSite.ts"

const layers = { "in memory": MemorySite.layer, "on real files": Layer.merge(Files.layer, RealSite.layer) }

describe.each(Object.entries(layers))("%s", (_, layer) => {
  runEach(
    Layer.provideMerge(Layer.provide(SharedDir.layer, noProcesses), layer),
    sharedDirMakes,
    sharedDirRemoves,
    sharedDirTells,
    sharedDirFaults,
    sharedDirMounts,
    sharedDirTogether,
    hostileContainer,
    hostileSwaps
  )
})
