/** A directory in memory for the suites of `Files`, and of higher services: a new one each time. */
import { Effect, Layer } from "effect"
import { FilesSite } from "../../suites/FilesSite.ts"
import * as FilesMemory from "./FilesMemory.ts"

export const make = () => {
  const state = new FilesMemory.MemoryFiles(["/base", "/etc"])
  state.put("/etc/group", "file", "root:x:0:\nhugetlbfs:x:107:\n")
  const socket = (path: string) => Effect.sync(() => state.put(path, "socket", "", 0o755))
  const access = (path: string, time: number) =>
    Effect.sync(() => {
      const node = state.get(path)
      if (node !== undefined) node.accessed = time
    })
  const site = Layer.succeed(FilesSite, FilesSite.of({ base: "/base", gid: 12345, socket, access }))
  return { site, state, layer: Layer.merge(FilesMemory.layer(state), site) }
}

export const layer = Layer.suspend(() => make().layer)
