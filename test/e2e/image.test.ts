/**
 * `make image` and `make copy` as a user runs them, with buildah on separate storage: no registry, no earlier image. The copied executable answers; the image has the executable and its C library.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { executable } from "./support/Machine.ts"
import { cleanEnvironment, run, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"

class Storage extends Context.Service<Storage, { readonly directory: string }>()("userspace-cni/test/Storage") {
  static readonly layer = Layer.effect(
    Storage,
    Effect.acquireRelease(
      Effect.sync(() => {
        const directory = mkdtempSync(`${tmpdir()}/image-`)
        for (const name of ["run", "lib", "bin"]) mkdirSync(`${directory}/${name}`)
        return { directory }
      }),
      ({ directory }) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
    )
  )
}

/** The builder's storage and state are below these two. Layers are copied, because overlays may not stack. */
const privately = 'mount --bind "$0/run" /run && mount --bind "$0/lib" /var/lib && exec "$@"'

const inStorage = Effect.fnUntraced(function* (...words: ReadonlyArray<string>) {
  const { directory } = yield* Storage
  return yield* succeed("unshare", ["--mount", "sh", "-c", privately, directory, ...words], {
    env: {
      ...cleanEnvironment,
      STORAGE_DRIVER: "vfs",
      BUILDAH_RUNTIME: "runc",
      IMAGE_BUILDER: "buildah",
      CNI_BIN_DIR: `${directory}/bin`
    },
    deadline: "80 seconds"
  })
})

onMachine(["root", "executable", "buildah"], Storage.layer)("the container image", (test) => {
  test("is built, and copies the plugin beside the others, replacing an older one", () =>
    Effect.gen(function* () {
      const { directory } = yield* Storage
      const plugin = `${directory}/bin/userspace`
      writeFileSync(plugin, "an older one", { mode: 0o755 })
      const older = statSync(plugin).ino
      assert.include(yield* inStorage("make", "image"), "localhost/userspacecni:latest")
      assert.include(yield* inStorage("make", "copy"), "Installed /opt/cni/bin/userspace")
      // With the client in C under its name, if this machine has a compiler for it.
      const beside = `${directory}/bin/.userspace/userspace`
      assert.isTrue(readFileSync(existsSync(beside) ? beside : plugin).equals(readFileSync(executable)))
      assert.strictEqual(statSync(plugin).mode & 0o7777, 0o755)
      assert.notStrictEqual(statSync(plugin).ino, older)
      const answer = yield* run(plugin, [], { env: { CNI_COMMAND: "VERSION" }, stdin: '{"cniVersion":"1.0.0"}' })
      assert.include(answer.stdout, '"supportedVersions":["0.1.0"')
    }))

  test("has the executable and the C library, and nothing else; no container is left", () =>
    Effect.gen(function* () {
      const look =
        'c=$(buildah from --pull-never "$0") && cd "$(buildah mount $c)" && find . -type f && buildah rm $c >&2'
      const files = yield* inStorage("sh", "-c", look, "localhost/userspacecni")
      const [others, libraries] = [/^(?!.*\.so)/, /^\.\/lib\S*\/[\w.-]+\.so(\.\d+)*$/].map((pattern) =>
        files
          .trim()
          .split("\n")
          .filter((file) => pattern.test(file))
      )
      assert.deepStrictEqual(others, ["./userspace"])
      assert.isTrue(libraries?.some((file) => file.endsWith("/libc.so.6")))
      assert.isAtMost(libraries?.length ?? 0, 8)
      assert.strictEqual(yield* inStorage("buildah", "containers", "--quiet"), "")
    }))
})
