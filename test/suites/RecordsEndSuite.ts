/** Whether records can be written, what is left of them and who removes it, on every layer of `Files`. */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Record } from "../../src/attachment/records/Record.ts"
import { Records } from "../../src/attachment/records/Records.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { keyOf, longHandle, plainHandle } from "../../src/identity/Attachment.ts"
import { Files } from "../../src/platform/Files.ts"
import {
  all,
  attachment,
  claim,
  find,
  type RecordsUnderTest,
  recordOf,
  remove
} from "../attachment/support/Recording.ts"
import { tree } from "../shared-dir/support/SharedDirSite.ts"
import { FilesSite } from "./FilesSite.ts"
import { suite } from "./Suite.ts"

export const recordsEnd = suite<RecordsUnderTest>("Records, removed", (test) => {
  test("writability is reported, whether the directory exists or not, and nothing is created", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const records = yield* Records
      const before = yield* tree
      yield* records.writable
      assert.deepStrictEqual(yield* tree, before)
      yield* claim(attachment())
      const claimed = yield* tree
      yield* records.writable
      assert.deepStrictEqual(yield* tree, claimed)
      yield* remove(attachment())
      yield* files.create(`${base}/state`, "in the way", 0o644)
      const error = yield* Effect.flip(records.writable)
      assert.deepStrictEqual([error.code, error.answer], [ErrorCodes.IoFailure, "ENOTDIR"])
      assert.strictEqual((yield* Effect.flip(claim(attachment()))).answer, error.answer)
    }))

  test("a record that a killed claim was writing is none, and is swept unless its ADD may be running", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const records = yield* Records
      const before = yield* tree
      const [net1, net2] = [attachment(), attachment({ ifName: "net2" })]
      yield* claim(attachment({ ifName: "net4" }))
      const unswept = yield* tree
      const hidden = (one: typeof net1, by: string) => `${base}/state/attachments/.${keyOf(one)}.${by}`
      for (const one of [net1, net2]) {
        yield* files.create(hidden(one, "killed"), JSON.stringify(recordOf(one, "killed")(plainHandle(one))), 0o400)
      }
      yield* files.create(hidden(net1, "torn"), "", 0o400)
      assert.lengthOf(yield* all, 1)
      assert.deepStrictEqual(yield* records.damaged, [])
      assert.isUndefined(yield* find(net1))
      yield* records.sweep([net1])
      const left = (yield* files.list(`${base}/state/attachments`)).filter(
        (name) => name.endsWith("killed") || name.endsWith("torn")
      )
      assert.deepStrictEqual(left.toSorted(), [`.${keyOf(net1)}.killed`, `.${keyOf(net1)}.torn`])
      yield* records.sweep([])
      assert.deepStrictEqual(yield* tree, unswept)
      yield* remove(attachment({ ifName: "net4" }))
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("a record whose hidden file was swept is written again", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const records = yield* Records
      const gone = new Set<string>()
      /** The first call of each finds that the file was swept. */
      const swept = (name: "link" | "rename") => (from: string, to: string) =>
        Effect.suspend(() => {
          const isFirst = !gone.has(name)
          gone.add(name)
          return isFirst ? Effect.andThen(files.unlink(from), files[name](from, to)) : files[name](from, to)
        })
      const racing = { ...files, link: swept("link"), rename: swept("rename") }
      const layer = Records.layer(`${base}/state`).pipe(Layer.provide(Layer.succeed(Files, racing)))
      const record = yield* Effect.provide(claim(attachment()), layer)
      const known: Record = { ...record, addresses: [{ address: "10.0.0.2/24" }] }
      yield* Effect.provide(
        Effect.flatMap(Records, ({ settle }) => settle(known)),
        layer
      )
      assert.deepStrictEqual([...gone], ["link", "rename"])
      assert.deepStrictEqual(yield* records.find(attachment()), known)
    }))

  test("the record of an ADD that created nothing ends as undone, and counts as no record", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const records = yield* Records
      const before = yield* tree
      const [one, namesake] = [
        attachment({ containerId: "0958c8871b32aaaa" }),
        attachment({ containerId: "0958c8871b32bbbb" })
      ]
      yield* claim(one)
      yield* records.endUndone(one, "another")
      assert.isFalse(yield* records.undone(one))
      yield* records.endUndone(one, "one")
      assert.isTrue(yield* records.undone(one))
      assert.isFalse(yield* records.undone(namesake))
      assert.isUndefined(yield* find(one))
      assert.deepStrictEqual([yield* all, yield* records.damaged], [[], []])
      assert.isFalse(yield* records.hasNamesake(namesake))
      // Without the switch it stays, for a DEL that is repeated; a claim of the attachment ends it.
      yield* records.removeUnasked(one)
      assert.isTrue(yield* records.undone(one))
      yield* claim(one, "two")
      assert.isFalse(yield* records.undone(one))
      yield* records.endUndone(one, "two")
      const settled = yield* claim(namesake)
      yield* records.settle(settled)
      assert.isFalse(yield* records.undone(one))
      yield* remove(namesake)
      assert.isUndefined(yield* files.lstat(`${base}/state/attachments`))
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("an undo removes only what its own call wrote", () =>
    Effect.gen(function* () {
      yield* claim(attachment(), "first")
      yield* remove(attachment(), "second")
      assert.strictEqual((yield* find(attachment()))?.invocation, "first")
      yield* remove(attachment(), "first")
      assert.isUndefined(yield* find(attachment()))
    }))

  test("DEL removes what a killed claim has left, and nothing of others", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const before = yield* tree
      const other = attachment({ ifName: "net2" })
      yield* claim(other)
      const directory = `${base}/state/attachments`
      const hidden = (one: typeof other) => `.${keyOf(one)}.killed`
      yield* files.create(`${directory}/${hidden(attachment())}`, "{", 0o600)
      yield* files.create(`${directory}/${hidden(other)}`, "{", 0o600)
      yield* remove(attachment(), "mine")
      assert.include(yield* files.list(directory), hidden(attachment()))
      yield* remove(attachment())
      assert.notInclude(yield* files.list(directory), hidden(attachment()))
      assert.include(yield* files.list(directory), hidden(other))
      yield* remove(other)
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("an unreadable record counts as none: ADD uses another handle, DEL removes it", () =>
    Effect.gen(function* () {
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
    }))

  test("a newer release's record with more fields is read", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      yield* claim(attachment({ ifName: "net2" }))
      const newer = { ...recordOf(attachment(), "newer")("0958c8871b32-net1"), format: 2, more: { a: [1] } }
      yield* files.create(`${base}/state/attachments/0958c8871b32-net1.json`, JSON.stringify(newer), 0o600)
      assert.strictEqual((yield* find(attachment()))?.invocation, "newer")
      assert.strictEqual((yield* Effect.flip(claim(attachment()))).code, ErrorCodes.AlreadyAttached)
    }))

  test("both handles taken by files of others is an error, not a loop", () =>
    Effect.gen(function* () {
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
    }))
})
