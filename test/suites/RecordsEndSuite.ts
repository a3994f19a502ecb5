/** Whether records can be written, what is left of them and who removes it, on every layer of `Files`. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Records } from "../../src/attachment/records/Records.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { keyOf, longHandle, networkDigest, plainHandle } from "../../src/identity/Attachment.ts"
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

  test("records of killed claims that were never linked are listed separately", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const records = yield* Records
      assert.deepStrictEqual(yield* records.begun, [])
      yield* claim(attachment({ ifName: "net2" }))
      assert.deepStrictEqual(yield* records.begun, [])
      const scratch = `${base}/state/attachments/new`
      const record = recordOf(attachment(), "killed")("0958c8871b32-net1")
      yield* files.create(`${scratch}/${keyOf(attachment())}-killed`, JSON.stringify(record), 0o600)
      yield* files.create(`${scratch}/${keyOf(attachment({ ifName: "net3" }))}-torn`, "{", 0o600)
      yield* files.create(`${scratch}/${keyOf(attachment({ ifName: "net4" }))}-copy`, JSON.stringify(record), 0o600)
      assert.deepStrictEqual(yield* records.begun, [record])
      assert.lengthOf(yield* all, 1)
      assert.isUndefined(yield* find(attachment()))
      yield* remove(attachment())
      assert.deepStrictEqual(yield* records.begun, [])
    }))

  test("a claim that was killed before it wrote anything is collected by its network, but not a live one", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const records = yield* Records
      const scratch = `${base}/state/attachments/new`
      const [net1, net2, net3] = [attachment(), attachment({ ifName: "net2" }), attachment({ ifName: "net3" })]
      const other = attachment({ network: "other" })
      const nameOf = (one: typeof net1) => `${scratch}/${keyOf(one)}-${networkDigest(one.network)}-killed`
      const before = yield* tree
      yield* claim(attachment({ ifName: "net4" }))
      const torn = JSON.stringify(recordOf(net3, "killed")("0958c8871b32-net3"))
      yield* files.create(nameOf(net1), "", 0o400)
      const unswept = yield* tree
      yield* files.create(nameOf(net2), "{", 0o400)
      yield* files.create(nameOf(net3), torn, 0o400)
      yield* files.create(nameOf(other), "", 0o400)
      yield* files.create(`${scratch}/${keyOf(net2)}-${networkDigest(net2.network)}-written`, "", 0o600)
      yield* records.sweep(net1.network, new Set([keyOf(net1)]))
      assert.deepStrictEqual(
        (yield* files.list(scratch)).filter((name) => !name.startsWith(".")).toSorted(),
        [nameOf(net1), nameOf(net3), nameOf(other), nameOf(net2).replace(/killed$/, "written")]
          .map((path) => path.slice(scratch.length + 1))
          .toSorted()
      )
      for (const one of [net2, net3, other]) yield* remove(one)
      assert.deepStrictEqual(yield* tree, unswept)
      yield* remove(attachment({ ifName: "net4" }))
      yield* records.sweep(net1.network, new Set())
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
