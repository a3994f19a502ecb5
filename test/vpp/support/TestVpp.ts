/** A private directory, and a VPP in TypeScript in it. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { Context, Effect, Layer } from "effect"
import { VppShows, VppUnderTest } from "../../suites/VppUnderTest.ts"
import type { Release } from "../server/Release.ts"
import { ofModel } from "../server/StatsSegment.ts"
import { type Options, start, type VppServer } from "../server/VppServer.ts"

/** Short, because of sockets; removed with the scope. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "vpp-"))),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true }))
)

type Table = NonNullable<Options["table"]>

/** The server, for tests that make it fail. */
export class TestVpp extends Context.Service<TestVpp, VppServer>()("userspace-cni/test/TestVpp") {
  static readonly layer = (release: Release = "26.06", table: Table = (names) => names) =>
    Layer.effect(
      TestVpp,
      Effect.flatMap(temporaryDirectory, (directory) => start({ path: `${directory}/api.sock`, release, table }))
    )
}

/** In the form of the suites. */
export const underTest = Layer.effect(
  VppUnderTest,
  Effect.map(TestVpp, (server) => ({
    path: server.path,
    release: server.release.version,
    stats: () => Effect.sync(() => ofModel(server.model)),
    restart: Effect.promise(() => server.restart())
  }))
)

/** It shows everything. */
const shows = Layer.effect(
  VppShows,
  Effect.map(TestVpp, (server) => {
    const interfaceOf = (name: string) => server.model.named(name)
    return {
      madeWith: (name) => Effect.sync(() => ({ ...interfaceOf(name)?.asked }))
    }
  })
)

export const layer = (release: Release, table?: Table) =>
  Layer.provideMerge(Layer.merge(underTest, shows), TestVpp.layer(release, table))
