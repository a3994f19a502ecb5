/** No error contains the words by which Multus gives up on a DEL, wherever its text comes from. */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Layer } from "effect"
import { CniError, ErrorCodes, errorOf } from "../../src/cni/types/CniError.ts"
import { IpamError } from "../../src/ipam/Ipam.ts"
import { Files } from "../../src/platform/Files.ts"
import { Processes } from "../../src/platform/Processes.ts"
import { errorsOf } from "../attachment/support/Errors.ts"
import * as NodeProcesses from "../platform/support/node/NodeProcesses.ts"

const words = /no such file or directory/i
const spoken = "open /var/lib/x: no such file or directory"

describe("the words that make Multus give up", () => {
  const sources = Fs.readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))

  it("are in no source except the one that removes them", () => {
    const found = sources.filter((name) => words.test(Fs.readFileSync(join("src", name), "utf8")))
    assert.deepStrictEqual(found, ["cni/types/CniError.ts"])
  })

  it.each([
    "Files",
    "OvsClient",
    "VppClient",
    "VppSession",
    "Records",
    "Ipam",
    "Vswitch",
    "ContainerConfig",
    "SharedDir"
  ])("are in no error of %s", (service) => {
    const errors = Object.values(errorsOf(service, "an operation"))
    assert.isNotEmpty(errors)
    for (const error of errors) {
      const told = JSON.stringify([
        String(error),
        "failed" in error ? error.failed : "",
        "cure" in error ? error.cure : ""
      ])
      assert.notMatch(told, words)
    }
  })

  it.effect("are in no error of the file system or of a missing program", () =>
    Effect.gen(function* () {
      const files = yield* Files
      const processes = yield* Processes
      const root = yield* Effect.acquireRelease(
        Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "words-"))),
        (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
      )
      const path = join(root, "absent/name")
      const asked: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
        hold: Effect.scoped(files.hold(path)),
        read: files.read(path, 10),
        list: files.list(path),
        writable: files.writable(path),
        makeDirectory: files.makeDirectory(path, 0o755),
        removeDirectory: files.removeDirectory(path),
        create: files.create(path, "", 0o644),
        sync: files.sync(path),
        rename: files.rename(path, `${path}2`),
        link: files.link(path, `${path}2`),
        symlink: files.symlink("target", path),
        readLink: files.readLink(path),
        unlink: files.unlink(path),
        change: files.change(path, "file", { mode: 0o644 }),
        run: processes.run({ program: path, args: [], env: {}, stdin: "", limit: 10 })
      }
      for (const [name, self] of Object.entries(asked)) {
        const error = yield* Effect.flip(self)
        assert.include(String(error), "ENOENT", name)
        assert.notMatch(String(error), words, name)
      }
    }).pipe(Effect.provide(Layer.mergeAll(Files.layer, NodeProcesses.layer)))
  )

  const ipam = new IpamError({
    plugin: "host-local",
    verb: "DEL",
    reason: { _tag: "Refused", code: 999, msg: spoken, details: spoken.toUpperCase() },
    said: JSON.stringify(spoken)
  })

  it.each([
    [
      "a failure, with what an IPAM plugin said",
      Cause.fail(CniError.of(ipam.code, ipam.failed, ipam.cure)),
      ErrorCodes.IpamFailed
    ],
    ["a defect", Cause.die(new Error(`ENOENT: ${spoken}`)), ErrorCodes.Internal]
  ])("are removed from %s", (_, cause, wanted) => {
    const { code, details, msg } = errorOf(cause)
    assert.notMatch(`${msg} ${details}`, words)
    assert.include(msg, "open /var/lib/x: it does not exist")
    assert.strictEqual(code, wanted)
  })
})
