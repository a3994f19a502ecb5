/** Records on the real file system and in memory: who may claim, what is found again, what is left behind. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { type Attachment, keyOf, longHandle, plainHandle } from "../../src/attachment/Attachment.ts"
import type { Record } from "../../src/attachment/Record.ts"
import { Records } from "../../src/attachment/Records.ts"
import { ErrorCodes } from "../../src/cni/ErrorCodes.ts"
import { Files } from "../../src/platform/Files.ts"
import * as FilesMemory from "../../src/platform/FilesMemory.ts"
import * as RealSite from "../platform/support/RealSite.ts"
import { failing, placeIn, tree } from "../shared-dir/support/SharedDirSite.ts"
import { FilesSite } from "../suites/FilesSite.ts"

const memory = Layer.suspend(() => {
  const state = new FilesMemory.MemoryFiles(["/base"])
  const socket = (path: string) => Effect.sync(() => state.put(path, "socket"))
  return Layer.merge(
    FilesMemory.layer(state),
    Layer.succeed(FilesSite, FilesSite.of({ base: "/base", gid: 12345, socket }))
  )
})

const attachment = (more: Partial<Attachment> = {}): Attachment => ({
  network: "net",
  containerId: "0958c8871b32cafe",
  ifName: "net1",
  netns: "/n/a",
  pod: undefined,
  ...more
})

const recordOf =
  (of: Attachment, invocation: string) =>
  (handle: string): Record => {
    const { group: _g, link: _l, volume: _v, ...place } = placeIn("/b", of)
    return {
      format: 1,
      network: of.network,
      containerId: of.containerId,
      ifName: of.ifName,
      netns: of.netns,
      invocation,
      since: "2026-01-01T00:00:00.000Z",
      handle,
      place,
      made: [],
      mac: "02:00:00:00:00:01",
      configuration: "{}",
      args: ""
    }
  }

const claim = (of: Attachment, invocation = "one") =>
  Effect.flatMap(Records, (records) => records.claim(of, recordOf(of, invocation)))
const find = (of: Attachment) => Effect.flatMap(Records, (records) => records.find(of))
const remove = (of: Attachment, invocation?: string) =>
  Effect.flatMap(Records, (records) => records.remove(of, invocation))

const cases: Readonly<{ [name: string]: Effect.Effect<void, unknown, Records | Files | FilesSite> }> = {
  "a claim is found again, whole, for root only": Effect.gen(function* () {
    const { base } = yield* FilesSite
    const files = yield* Files
    const before = yield* tree
    const record = yield* claim(attachment())
    assert.strictEqual(record.handle, plainHandle(attachment()))
    assert.deepStrictEqual(yield* find(attachment()), record)
    assert.strictEqual((yield* files.lstat(`${base}/state/attachments/0958c8871b32-net1.json`))?.mode, 0o600)
    yield* Effect.flatMap(Records, (records) => records.keep(record))
    yield* remove(attachment())
    assert.isUndefined(yield* find(attachment()))
    assert.deepStrictEqual(yield* tree, before)
    yield* remove(attachment())
    assert.deepStrictEqual(yield* tree, before)
  }),

  "of many claims of one attachment at once one wins, and the others are told since when": Effect.gen(function* () {
    const tries = Array.from({ length: 10 }, (_, index) => Effect.result(claim(attachment(), `try${index}`)))
    const results = yield* Effect.all(tries, { concurrency: "unbounded" })
    const won = results.flatMap((result) => (result._tag === "Success" ? [result.success.invocation] : []))
    assert.lengthOf(won, 1)
    assert.strictEqual((yield* find(attachment()))?.invocation, won[0])
    for (const result of results) {
      if (result._tag === "Success") continue
      assert.strictEqual(result.failure.code, ErrorCodes.AlreadyAttached)
      assert.include(result.failure.failed, "since 2026-01-01T00:00:00.000Z")
      assert.include(result.failure.cure, "Run DEL")
    }
  }),

  "two ids that begin alike get two handles, and keep them": Effect.gen(function* () {
    const [one, other] = [
      attachment({ containerId: "0958c8871b32aaaa" }),
      attachment({ containerId: "0958c8871b32bbbb" })
    ]
    assert.strictEqual((yield* claim(one)).handle, "0958c8871b32-net1")
    assert.strictEqual((yield* claim(other)).handle, longHandle(other))
    assert.strictEqual((yield* find(one))?.containerId, one.containerId)
    assert.strictEqual((yield* find(other))?.containerId, other.containerId)
    yield* remove(one)
    assert.isUndefined(yield* find(one))
    assert.strictEqual((yield* find(other))?.containerId, other.containerId)
    const again = yield* Effect.flip(claim(other, "two"))
    assert.strictEqual(again.code, ErrorCodes.AlreadyAttached)
    assert.strictEqual((yield* find(other))?.invocation, "one")
  }),

  "net1 and net10, and short ids, are their own": Effect.gen(function* () {
    const all = [
      attachment({ ifName: "net1" }),
      attachment({ ifName: "net10" }),
      attachment({ containerId: "a" }),
      attachment({ containerId: "a-b", ifName: "c" }),
      attachment({ containerId: "a", ifName: "b-c" }),
      attachment({ network: "other" })
    ]
    for (const one of all) yield* claim(one, keyOf(one))
    for (const one of all) assert.strictEqual((yield* find(one))?.invocation, keyOf(one))
    for (const [index, one] of all.entries()) {
      yield* remove(one)
      const left = yield* Effect.forEach(all, find)
      assert.deepStrictEqual(
        left.map((record) => record !== undefined),
        all.map((_, other) => other > index)
      )
    }
  }),

  "an undo removes only what its own call wrote": Effect.gen(function* () {
    yield* claim(attachment(), "first")
    yield* remove(attachment(), "second")
    assert.strictEqual((yield* find(attachment()))?.invocation, "first")
    yield* remove(attachment(), "first")
    assert.isUndefined(yield* find(attachment()))
  }),

  "what a killed claim has left is removed by DEL, and others' is not": Effect.gen(function* () {
    const { base } = yield* FilesSite
    const files = yield* Files
    const before = yield* tree
    const other = attachment({ ifName: "net2" })
    yield* claim(other)
    const scratch = `${base}/state/attachments/new`
    yield* files.create(`${scratch}/${keyOf(attachment())}-killed`, "{", 0o600)
    yield* files.create(`${scratch}/${keyOf(other)}-killed`, "{", 0o600)
    yield* remove(attachment(), "mine")
    assert.lengthOf(yield* files.list(scratch), 3)
    yield* remove(attachment())
    assert.notInclude(yield* files.list(scratch), `${keyOf(attachment())}-killed`)
    assert.include(yield* files.list(scratch), `${keyOf(other)}-killed`)
    yield* remove(other)
    assert.deepStrictEqual(yield* tree, before)
  }),

  "a record that cannot be read is as good as none: ADD goes round it, DEL removes it": Effect.gen(function* () {
    const { base } = yield* FilesSite
    const files = yield* Files
    const before = yield* tree
    for (const text of ["", "{", "null", '{"format":1}', JSON.stringify({ format: 2, network: 7 })]) {
      yield* claim(attachment({ ifName: "net2" }))
      yield* files.create(`${base}/state/attachments/0958c8871b32-net1.json`, text, 0o600)
      assert.isUndefined(yield* find(attachment()))
      yield* remove(attachment(), "mine")
      const { handle } = yield* claim(attachment())
      assert.strictEqual(handle, longHandle(attachment()))
      yield* remove(attachment())
      yield* remove(attachment({ ifName: "net2" }))
      assert.deepStrictEqual(yield* tree, before)
    }
  }),

  "a newer release's record with more in it is read": Effect.gen(function* () {
    const { base } = yield* FilesSite
    const files = yield* Files
    yield* claim(attachment({ ifName: "net2" }))
    const newer = { ...recordOf(attachment(), "newer")("0958c8871b32-net1"), format: 2, more: { a: [1] } }
    yield* files.create(`${base}/state/attachments/0958c8871b32-net1.json`, JSON.stringify(newer), 0o600)
    assert.strictEqual((yield* find(attachment()))?.invocation, "newer")
    assert.strictEqual((yield* Effect.flip(claim(attachment()))).code, ErrorCodes.AlreadyAttached)
  }),

  "both handles taken by files of others is an error, not a loop": Effect.gen(function* () {
    const { base } = yield* FilesSite
    const files = yield* Files
    yield* claim(attachment({ ifName: "net2" }))
    for (const handle of [plainHandle(attachment()), longHandle(attachment())]) {
      yield* files.create(`${base}/state/attachments/${handle}.json`, "{}", 0o600)
    }
    const { code, cure, failed } = yield* Effect.flip(claim(attachment()))
    assert.strictEqual(code, ErrorCodes.IoFailure)
    assert.include(failed, `${longHandle(attachment())}.json`)
    assert.include(cure, "Remove that file")
  }),

  "the original's state is found by its own name, and removed": Effect.gen(function* () {
    const { base } = yield* FilesSite
    const files = yield* Files
    const records = yield* Records
    assert.isUndefined(yield* records.findLegacy(attachment()))
    yield* files.makeDirectory(`${base}/state`, 0o755)
    yield* files.makeDirectory(`${base}/state/data`, 0o755)
    const path = `${base}/state/data/local-0958c8871b32-net1.json`
    const nothing = { portName: undefined, swIfIndex: undefined }
    const states: ReadonlyArray<readonly [string, object]> = [
      ['{"vhostname":"0958c8871b32-net1","vhostmac":"","ifmac":""}', { ...nothing, portName: "0958c8871b32-net1" }],
      ['{"swIfIndex":3,"memifSocketId":2}', { ...nothing, swIfIndex: 3 }],
      ['{"vhostname":"","vhostmac":"","ifmac":""}', nothing],
      ["{", nothing],
      ['{"swIfIndex":"3"}', nothing]
    ]
    for (const [text, expected] of states) {
      yield* files.create(path, text, 0o644)
      assert.deepStrictEqual<unknown>(yield* records.findLegacy(attachment()), expected)
      assert.isUndefined(yield* records.findLegacy(attachment({ ifName: "net10" })))
      yield* records.removeLegacy(attachment())
      assert.isUndefined(yield* records.findLegacy(attachment()))
      yield* records.removeLegacy(attachment())
    }
  })
}

const layers = { "in memory": memory, "on real files": Layer.merge(Files.layer, RealSite.layer) }

describe.each(Object.entries(layers))("%s", (_, layer) => {
  const records = Layer.unwrap(Effect.map(FilesSite, ({ base }) => Records.layer(`${base}/state`)))
  for (const [name, run] of Object.entries(cases)) {
    it.live(name, () => run.pipe(Effect.provide(Layer.provideMerge(Layer.fresh(records), Layer.fresh(layer)))))
  }
})

describe("a file system that refuses", () => {
  it.effect.each(["ENOSPC", "EROFS", "EACCES"])("%s is told with the path and what to do, and nothing stays", (code) =>
    Effect.gen(function* () {
      const before = yield* tree
      for (const refused of ["create", "link", "makeDirectory"] as const) {
        const broken = Records.layer("/base/state").pipe(
          Layer.provide(failing((operation) => (operation === refused ? code : undefined)))
        )
        const error = yield* Effect.flip(Effect.provide(claim(attachment()), Layer.fresh(broken)))
        assert.deepStrictEqual([error.code, error.answer], [ErrorCodes.IoFailure, code])
        assert.include(error.path, "/base/state")
        assert.include(error.cure, "stateDir")
        yield* Effect.provide(remove(attachment()), Layer.fresh(Records.layer("/base/state")))
        assert.deepStrictEqual(yield* tree, before)
      }
    }).pipe(Effect.provide(Layer.fresh(memory)))
  )
})
