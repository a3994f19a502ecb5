/** The suites of `SharedDir`, on the real file system and in memory. */
import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as FilesMemory from "../../src/dry-run/edges/FilesMemory.ts"
import { Files } from "../../src/platform/Files.ts"
import { SharedDir } from "../../src/shared-dir/SharedDir.ts"
import * as RealSite from "../platform/support/RealSite.ts"
import { FilesSite } from "../suites/FilesSite.ts"
import * as HostileContainerSuite from "../suites/HostileContainerSuite.ts"
import * as HostileSwapsSuite from "../suites/HostileSwapsSuite.ts"
import * as SharedDirFaultsSuite from "../suites/SharedDirFaultsSuite.ts"
import * as SharedDirSuite from "../suites/SharedDirSuite.ts"
import * as SharedDirTogetherSuite from "../suites/SharedDirTogetherSuite.ts"
import { noProcesses } from "./support/SharedDirSite.ts"

const memory = Layer.suspend(() => {
  const state = new FilesMemory.MemoryFiles(["/base", "/etc"])
  state.put("/etc/group", "file", "root:x:0:\nhugetlbfs:x:107:\n")
  const socket = (path: string) => Effect.sync(() => state.put(path, "socket", "", 0o755))
  return Layer.merge(
    FilesMemory.layer(state),
    Layer.succeed(FilesSite, FilesSite.of({ base: "/base", gid: 12345, socket }))
  )
})

const layers = { "in memory": memory, "on real files": Layer.merge(Files.layer, RealSite.layer) }

describe.each(Object.entries(layers))("%s", (_, layer) => {
  for (const { name, run } of [
    ...SharedDirSuite.cases,
    ...HostileContainerSuite.cases,
    ...HostileSwapsSuite.cases,
    ...SharedDirFaultsSuite.cases,
    ...SharedDirTogetherSuite.cases
  ]) {
    it.live(name, () =>
      run.pipe(
        Effect.provide(
          Layer.provideMerge(Layer.provide(Layer.effect(SharedDir, SharedDir.make), noProcesses), Layer.fresh(layer))
        )
      )
    )
  }
})
