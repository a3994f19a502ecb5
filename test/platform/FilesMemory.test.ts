import { it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as FilesMemory from "../../src/dry-run/edges/FilesMemory.ts"
import { FilesSite } from "../suites/FilesSite.ts"
import { cases } from "../suites/FilesSuite.ts"

for (const { name, run } of cases) {
  it.effect(name, () => {
    const state = new FilesMemory.MemoryFiles(["/base"])
    const site = FilesSite.of({
      base: "/base",
      gid: 12345,
      socket: (path) => Effect.sync(() => state.put(path, "socket", "", 0o755))
    })
    return run.pipe(Effect.provide(Layer.merge(FilesMemory.layer(state), Layer.succeed(FilesSite, site))))
  })
}
