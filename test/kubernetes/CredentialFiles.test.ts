/** How files of credentials are found: on real files, because the kernel resolves the links. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { readAccess } from "../../src/kubernetes/Credentials.ts"
import { Files } from "../../src/platform/Files.ts"

const kubeconfig = (token: string) =>
  JSON.stringify({
    clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:6443" } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x"
  })

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/credentials-`)),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const access = (path: string) => readAccess(Files.make(), { kubeconfig: path })

describe("a kubeconfig", () => {
  it.live("that is a link out of a directory that is a link", () =>
    Effect.gen(function* () {
      const root = yield* directory
      mkdirSync(`${root}/a/b`, { recursive: true })
      symlinkSync("a/b", `${root}/link`)
      writeFileSync(`${root}/a/kc.real`, kubeconfig("right"))
      writeFileSync(`${root}/kc.real`, kubeconfig("wrong"))
      symlinkSync("../kc.real", `${root}/a/b/kc`)
      const { token } = yield* access(`${root}/link/kc`)
      assert.strictEqual(token === undefined ? undefined : Redacted.value(token), "right")
    })
  )

  it.live("is missing when no file has its name, not when a link of its name is broken", () =>
    Effect.gen(function* () {
      const root = yield* directory
      assert.isTrue((yield* Effect.flip(access(`${root}/kc`))).missing)
      writeFileSync(`${root}/there`, kubeconfig("right"))
      symlinkSync("there", `${root}/kc`)
      yield* access(`${root}/kc`)
      renameSync(`${root}/there`, `${root}/elsewhere`)
      const { missing, problem } = yield* Effect.flip(access(`${root}/kc`))
      assert.deepStrictEqual([missing, problem], [false, "cannot be read: ENOENT"])
    })
  )
})
