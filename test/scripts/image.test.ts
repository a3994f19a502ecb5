/** `scripts/image.sh` and `scripts/test-container.sh` with a builder that only records its calls. */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { manifests } from "../kubernetes/support/Manifests.ts"
import { temporaryDirectory } from "../vpp/support/TestVpp.ts"

const root = join(import.meta.dirname, "../..")

const script = (path: string, verb: string, env: Readonly<Record<string, string>> = {}) => {
  const { status, stderr, stdout } = spawnSync("/bin/bash", [path, verb], {
    cwd: root,
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin", ...env }
  })
  return { status, stderr, stdout }
}

const image = (verb: string, env?: Readonly<Record<string, string>>) => script("scripts/image.sh", verb, env)

/** The builder's arguments, without numbers of this machine, and temporary directories. */
const anywhere = (call: string) => call.replaceAll(/=-?\d+:-?\d+/g, "=N").replaceAll(/\/tmp\/tmp\.\w+/g, "SCRATCH")

/** A directory with a builder of this name, which prints a container's name. */
const builder = (name: string) =>
  Effect.map(temporaryDirectory, (directory) => {
    const log = join(directory, "calls")
    const path = join(directory, name)
    Fs.writeFileSync(path, `#!/bin/sh\necho "$*" >>${log}\n[ "$1" != from ] || echo made\n`, { mode: 0o755 })
    return {
      env: { IMAGE_BUILDER: path, PATH: `${directory}:/usr/bin:/bin`, CNI_BIN_DIR: join(directory, "bin") },
      bin: join(directory, "bin"),
      calls: () => Fs.readFileSync(log, "utf8").trim().split("\n").map(anywhere)
    }
  })

describe("scripts/image.sh", () => {
  it("names the image as the manifests do, or as configured, with and without a slash", () => {
    assert.strictEqual(image("name").stdout, "localhost/userspacecni:latest\n")
    assert.include(JSON.stringify(manifests("daemonset.yaml")), '"localhost/userspacecni:latest"')
    for (const registry of ["registry.example:5000/team", "registry.example:5000/team/"]) {
      const { stdout } = image("name", { IMAGE_REGISTRY: registry, IMAGE_VERSION: "1.0" })
      assert.strictEqual(stdout, "registry.example:5000/team/userspacecni:1.0\n")
    }
  })

  it.effect("copies by running the image, without a network", () =>
    Effect.gen(function* () {
      const { bin, calls, env } = yield* builder("docker")
      assert.strictEqual(image("copy", env).status, 0)
      assert.deepStrictEqual(calls(), [
        `run --rm --network none --volume ${bin}:/opt/cni/bin --entrypoint /userspace localhost/userspacecni:latest install --cni-bin-dir /opt/cni/bin`
      ])
      assert.isTrue(Fs.existsSync(bin))
    })
  )

  it.effect.each([
    { isolation: "", network: "none" },
    { isolation: "chroot", network: "host" }
  ])("copies with buildah in a container that it removes again, isolation '$isolation'", ({ isolation, network }) =>
    Effect.gen(function* () {
      const { bin, calls, env } = yield* builder("buildah")
      const { status, stderr } = image("copy", { ...env, BUILDAH_ISOLATION: isolation })
      assert.strictEqual(status, 0, stderr)
      assert.deepStrictEqual(calls(), [
        "from --ulimit nofile=N --ulimit nproc=N localhost/userspacecni:latest",
        `run --network ${network} --volume ${bin}:/opt/cni/bin made -- /userspace install --cni-bin-dir /opt/cni/bin`,
        "rm made"
      ])
    })
  )

  it.effect("pushes what it named", () =>
    Effect.gen(function* () {
      const { calls, env } = yield* builder("podman")
      assert.strictEqual(image("push", { ...env, IMAGE_REGISTRY: "r.example/" }).status, 0)
      assert.deepStrictEqual(calls(), ["push r.example/userspacecni:latest"])
    })
  )

  it("reports the missing builder, and what to do", () => {
    const missing = image("push", { IMAGE_BUILDER: "no-such-builder" })
    assert.strictEqual(missing.status, 1)
    assert.include(missing.stderr, "there is no no-such-builder (IMAGE_BUILDER)")
    const wrong = image("pull", { IMAGE_BUILDER: "true" })
    assert.strictEqual(wrong.status, 1)
    assert.include(wrong.stderr, "name, build, copy, push, testpmd or base")
  })
})

describe("scripts/test-container.sh", () => {
  it.effect("runs the unit tests in the image that UT_OS names: no network, and nothing is written here", () =>
    Effect.gen(function* () {
      const { calls, env } = yield* builder("podman")
      const { status, stderr } = script("scripts/test-container.sh", "", { ...env, UT_OS: "r.example/fedora:42" })
      assert.strictEqual(status, 0, stderr)
      const words = calls().join("\n")
      assert.include(words, `run --rm --network none --volume ${root}:/source:ro --volume SCRATCH:/for-node:ro`)
      assert.include(words, "--entrypoint /bin/bash r.example/fedora:42 -c")
      assert.include(words, "vitest.mjs run --project unit")
    })
  )

  it.effect("has the exit status of the tests", () =>
    Effect.gen(function* () {
      const { env } = yield* builder("docker")
      Fs.writeFileSync(env.IMAGE_BUILDER, "#!/bin/sh\nexit 7\n", { mode: 0o755 })
      assert.strictEqual(script("scripts/test-container.sh", "", env).status, 7)
    })
  )
})
