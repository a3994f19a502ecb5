/** The state files of the original plugin and its fork, on the real file system and in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as StateFiles from "../../../src/attachment/legacy/StateFiles.ts"
import { Files } from "../../../src/platform/Files.ts"
import * as MemorySite from "../../platform/support/MemorySite.ts"
import * as RealSite from "../../platform/support/RealSite.ts"
import { FilesSite } from "../../suites/FilesSite.ts"
import { attachment } from "../support/Recording.ts"

const layers = { "in memory": MemorySite.layer, "on real files": Layer.merge(Files.layer, RealSite.layer) }

describe.each(Object.entries(layers))("%s", (_, layer) => {
  it.live("the original plugin's state lists all its attachments, with the names in its files", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const stateDir = `${base}/state`
      const files = yield* Files
      assert.deepStrictEqual(yield* StateFiles.all(stateDir), [])
      yield* files.makeDirectory(stateDir, 0o755)
      yield* files.makeDirectory(`${stateDir}/data`, 0o755)
      const names = ["local-0958c8871b32-net1.json", "local-aaaa-aaaa-aa-a-b.json", "local-0958c8871b32-net2.json"]
      for (const name of [
        ...names,
        "local-short-net1.json",
        "remote-0958c8871b32-net1.json",
        "local-0958c8871b32.json"
      ]) {
        yield* files.create(`${stateDir}/data/${name}`, name === names[2] ? "{" : '{"vhostname":"v"}', 0o644)
      }
      yield* files.makeDirectory(`${stateDir}/data/local-0958c8871b32-net3.json`, 0o755)
      const found = (yield* StateFiles.all(stateDir)).map(({ containerId, ifName, portName }) => [
        containerId,
        ifName,
        portName
      ])
      assert.deepStrictEqual(found.sort(), [
        ["0958c8871b32", "net1", "v"],
        ["0958c8871b32", "net2", undefined],
        ["aaaa-aaaa-aa", "a-b", "v"]
      ])
    }).pipe(Effect.provide(Layer.fresh(layer)))
  )

  it.live("the original plugin's state is found by its own name, and removed", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const stateDir = `${base}/state`
      const files = yield* Files
      assert.isUndefined(yield* StateFiles.find(stateDir, attachment()))
      yield* files.makeDirectory(stateDir, 0o755)
      const path = `${stateDir}/data/local-0958c8871b32-net1.json`
      const nothing = { portName: undefined, swIfIndex: undefined }
      const states: ReadonlyArray<readonly [string, object]> = [
        ['{"vhostname":"0958c8871b32-net1","vhostmac":"","ifmac":""}', { ...nothing, portName: "0958c8871b32-net1" }],
        ['{"swIfIndex":3,"memifSocketId":2}', { ...nothing, swIfIndex: 3 }],
        ['{"vhostname":"","vhostmac":"","ifmac":""}', nothing],
        ["{", nothing],
        ['{"swIfIndex":"3"}', nothing]
      ]
      for (const [text, expected] of states) {
        yield* files.makeDirectory(`${stateDir}/data`, 0o755)
        yield* files.create(path, text, 0o644)
        assert.deepStrictEqual<unknown>(yield* StateFiles.find(stateDir, attachment()), expected)
        assert.isUndefined(yield* StateFiles.find(stateDir, attachment({ ifName: "net10" })))
        yield* files.create(`${stateDir}/data/another`, "", 0o644)
        yield* StateFiles.remove(stateDir, attachment())
        assert.deepStrictEqual(yield* files.list(`${stateDir}/data`), ["another"])
        yield* files.unlink(`${stateDir}/data/another`)
        yield* files.create(path, text, 0o644)
        yield* StateFiles.remove(stateDir, attachment())
        assert.isUndefined(yield* files.lstat(`${stateDir}/data`))
        assert.isUndefined(yield* StateFiles.find(stateDir, attachment()))
        yield* StateFiles.remove(stateDir, attachment())
      }
    }).pipe(Effect.provide(Layer.fresh(layer)))
  )
})
