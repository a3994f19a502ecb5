/** Claims of an attachment, and how their records are found, on every layer of `Files`. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Record } from "../../src/attachment/records/Record.ts"
import { Records } from "../../src/attachment/records/Records.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { keyOf, longHandle, plainHandle } from "../../src/identity/Attachment.ts"
import { Files } from "../../src/platform/Files.ts"
import { all, attachment, claim, find, type RecordsUnderTest, remove } from "../attachment/support/Recording.ts"
import { tree } from "../shared-dir/support/SharedDirSite.ts"
import { FilesSite } from "./FilesSite.ts"
import { suite } from "./Suite.ts"

export const recordsClaim = suite<RecordsUnderTest>("Records, claimed", (test) => {
  test("a claim is found again, complete, readable by root only", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const before = yield* tree
      const record = yield* claim(attachment())
      assert.strictEqual(record.handle, plainHandle(attachment()))
      assert.deepStrictEqual(yield* find(attachment()), record)
      assert.strictEqual((yield* files.lstat(`${base}/state/attachments/0958c8871b32-net1.json`))?.mode, 0o400)
      yield* Effect.flatMap(Records, (records) => records.keep(record))
      yield* remove(attachment())
      assert.isUndefined(yield* find(attachment()))
      assert.deepStrictEqual(yield* tree, before)
      yield* remove(attachment())
      assert.deepStrictEqual(yield* tree, before)
    }))

  test("one of many simultaneous claims of an attachment wins, and the others get its time", () =>
    Effect.gen(function* () {
      const tries = Array.from({ length: 10 }, (_, index) => Effect.result(claim(attachment(), `try${index}`)))
      const results = yield* Effect.all(tries, { concurrency: "unbounded" })
      const won = results.flatMap((result) => (result._tag === "Success" ? [result.success.invocation] : []))
      assert.lengthOf(won, 1)
      assert.strictEqual((yield* find(attachment()))?.invocation, won[0])
      for (const result of results) {
        if (result._tag === "Success") continue
        assert.strictEqual(result.failure.code, ErrorCodes.AlreadyAttached)
        assert.include(result.failure.failed, "since 2026-01-01T00:00:00.000Z")
        assert.include(result.failure.cure, "DEL it first")
      }
    }))

  test("two ids that begin alike get two handles, and keep them", () =>
    Effect.gen(function* () {
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
    }))

  test("net1 and net10, and short ids, are separate", () =>
    Effect.gen(function* () {
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
    }))

  test("all are listed, of every network, as each would be found alone", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* all, [])
      const attachments = [
        attachment(),
        attachment({ ifName: "net10" }),
        attachment({ containerId: "0958c8871b32bbbb" }),
        attachment({ network: "other", containerId: "a", pod: { namespace: "n", name: "p", uid: "u" } })
      ]
      for (const one of attachments) yield* claim(one, keyOf(one))
      const byKey = (records: ReadonlyArray<Record | undefined>) =>
        records.flatMap((record) => (record === undefined ? [] : [[keyOf(record), record] as const])).sort()
      const found = byKey(yield* all)
      assert.lengthOf(found, attachments.length)
      assert.deepStrictEqual(found, byKey(yield* Effect.forEach(attachments, find)))
      for (const one of attachments) yield* remove(one)
      assert.deepStrictEqual(yield* all, [])
    }))

  test("files that are no records, and copies under another name, are ignored", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const directory = `${base}/state/attachments`
      const record = yield* claim(attachment())
      const text = JSON.stringify(record)
      yield* files.create(`${directory}/backup.json`, text, 0o600)
      yield* files.create(`${directory}/0958c8871b32-net1.json.old`, text, 0o600)
      yield* files.create(`${directory}/0958c8871b32-net2.json`, text, 0o600)
      yield* files.create(`${directory}/0958c8871b32-net3.json`, "{", 0o600)
      yield* files.create(`${directory}/0958c8871b32-net4.json`, "x".repeat((1 << 20) + 1), 0o600)
      yield* files.makeDirectory(`${directory}/0958c8871b32-net5.json`, 0o700)
      yield* files.symlink(`${directory}/0958c8871b32-net1.json`, `${directory}/0958c8871b32-net6.json`)
      // Found under its short handle, which `find` reads first.
      yield* files.create(`${directory}/${longHandle(attachment())}.json`, text.replace("one", "two"), 0o600)
      assert.deepStrictEqual(yield* all, [record])
    }))

  test("a record is settled from the end of its ADD to the beginning of its DEL", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const records = yield* Records
      const before = yield* tree
      const record = yield* claim(attachment())
      assert.isFalse(yield* records.settled(record))
      yield* records.settle(record)
      assert.isTrue(yield* records.settled(record))
      assert.isFalse(yield* records.settled({ ...record, invocation: "another" }))
      assert.deepStrictEqual(yield* find(attachment()), record)
      yield* records.unsettle(record)
      assert.isFalse(yield* records.settled(record))
      yield* remove(attachment())
      assert.isFalse(yield* records.settled(record))
      yield* records.unsettle(record)
      assert.strictEqual((yield* Effect.flip(records.settle(record))).code, ErrorCodes.IoFailure)
      assert.deepStrictEqual(yield* tree, before)
      // One of a release without this feature.
      const path = `${base}/state/attachments/0958c8871b32-net1.json`
      yield* claim(attachment({ ifName: "net2" }))
      yield* files.create(path, JSON.stringify(record), 0o600)
      assert.isTrue(yield* records.settled(record))
    }))

  test("a record is updated at the end of ADD, but not when it is gone or another's", () =>
    Effect.gen(function* () {
      const { base } = yield* FilesSite
      const files = yield* Files
      const records = yield* Records
      const before = yield* tree
      const record = yield* claim(attachment())
      const known: Record = { ...record, addresses: [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }] }
      yield* records.settle(known)
      assert.deepStrictEqual(yield* find(attachment()), known)
      assert.isTrue(yield* records.settled(known))
      assert.strictEqual((yield* files.lstat(`${base}/state/attachments/0958c8871b32-net1.json`))?.mode, 0o600)
      assert.lengthOf(yield* files.list(`${base}/state/attachments`), 2)
      yield* remove(attachment())
      assert.strictEqual((yield* Effect.flip(records.settle(known))).answer, "ENOENT")
      assert.deepStrictEqual(yield* tree, before)
      const other = yield* claim(attachment(), "two")
      yield* Effect.flip(records.settle(known))
      assert.deepStrictEqual(yield* find(attachment()), other)
      assert.isFalse(yield* records.settled(other))
    }))
})
