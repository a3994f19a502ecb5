/**
 * The meaning of a path in CNI_NETNS, on the real kernel. A separate namespace needs no root where users may create
 * them.
 */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as AsyncFiles from "../../src/platform/async/AsyncFiles.ts"
import { atOnce, type FileCalls } from "../../src/platform/Files.ts"
import { judgeBy, Namespaces } from "../../src/platform/Namespaces.ts"
import { until } from "../support/Until.ts"

/** By both layers, which must agree. */
const judge = Effect.fnUntraced(function* (path: string) {
  const judged = Effect.flatMap(Namespaces, (namespaces) => namespaces.judge(path))
  const kind = yield* Effect.provide(judged, Namespaces.layer)
  assert.strictEqual(yield* Effect.provide(judged, AsyncFiles.namespaces()), kind)
  return kind
})

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "namespaces-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const unshare = process.getuid?.() === 0 ? ["-n"] : ["-rn"]
const mayUnshare = spawnSync("unshare", [...unshare, "true"]).status === 0

/** The path of the namespace of a process that lives as long as the scope. */
const other = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn("unshare", [...unshare, "sleep", "60"], { stdio: "ignore" })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const path = `/proc/${child.pid}/ns/net`
  const own = readlinkSync("/proc/self/ns/net")
  yield* until(
    "another namespace",
    Effect.try(() => readlinkSync(path)),
    (there) => there !== own
  )
  return path
})

describe("a path is", () => {
  it.live("the plugin's own namespace", () =>
    Effect.gen(function* () {
      const link = `${yield* directory}/link`
      symlinkSync("/proc/self/ns/net", link)
      for (const path of ["/proc/self/ns/net", `/proc/${process.pid}/ns/net`, link]) {
        assert.strictEqual(yield* judge(path), "own")
      }
    })
  )

  it.live.skipIf(!mayUnshare)("a network namespace of a sandbox", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* judge(yield* other), "sandbox")
    })
  )

  it.live("another file", () =>
    Effect.gen(function* () {
      const base = yield* directory
      writeFileSync(`${base}/file`, "")
      const others = [base, `${base}/file`, "/proc/self/status", "/proc/self/ns", "/proc/self/ns/mnt", "/dev/null"]
      for (const path of others) assert.strictEqual(yield* judge(path), "other file", path)
    })
  )

  it.live("missing", () =>
    Effect.gen(function* () {
      const base = yield* directory
      symlinkSync("nowhere", `${base}/dangling`)
      writeFileSync(`${base}/file`, "")
      const missing = [`${base}/nothing`, `${base}/dangling`, `${base}/file/x`, "/proc/0/ns/net", "", "a\0b"]
      for (const path of [...missing, `${base}/${"x".repeat(5000)}`])
        assert.strictEqual(yield* judge(path), "missing", path)
    })
  )

  it.live("out of sight, when the directory of namespaces is missing", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* judge(`${yield* directory}/netns/cni-1`), "out of sight")
    })
  )

  it.live("unknown, when it can exist and cannot be inspected", () =>
    Effect.gen(function* () {
      const base = yield* directory
      symlinkSync("round", `${base}/round`)
      assert.strictEqual(yield* judge(`${base}/round`), "unreadable")
    })
  )
})

/** In a container of the node's PID namespace, whose `/run/netns` is another directory than the node's. */
const contained = (onNode: ReadonlyArray<string>): FileCalls => ({
  ...atOnce,
  statfs: () => Effect.fail(Object.assign(new Error(), { code: "ENOENT" })),
  stat: (path) =>
    path === "/run/netns" || path === "/var/run/netns" || onNode.includes(path)
      ? atOnce.stat("/")
      : Effect.fail(Object.assign(new Error(), { code: "ENOENT" }))
})

describe("a path that is missing in a container is", () => {
  const netns = "/proc/1/root/run/netns/cni-1"

  it.effect.each(["/run/netns/cni-1", "/var/run/netns/cni-1"])("out of sight when the node has it: %s", (path) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* judgeBy(contained([netns]))(path), "out of sight")
      assert.strictEqual(yield* judgeBy(contained([]))(path), "missing")
    })
  )
})
