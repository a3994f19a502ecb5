/** `userspace install` on temporary directories: what it creates, what it never changes, what it prints. */
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { TestConsole } from "effect/testing"
import { commandLine } from "../../src/cli/CommandLine.ts"
import { CarriedClient } from "../../src/install/Client.ts"
import { RunningExecutable } from "../../src/install/Executable.ts"
import { readAccess } from "../../src/kubernetes/Credentials.ts"
import { Files } from "../../src/platform/Files.ts"
import { edges } from "./support/Edges.ts"
import { node, type SocketPaths } from "./support/Place.ts"

const run = Effect.fnUntraced(function* (place: SocketPaths, ...args: ReadonlyArray<string>) {
  return yield* Effect.gen(function* () {
    const exit = yield* Effect.exit(
      commandLine(["install", "--service-account", place.account, ...args], place.variables)
    )
    return {
      well: Exit.isSuccess(exit),
      stdout: (yield* TestConsole.logLines).join("\n"),
      stderr: (yield* TestConsole.errorLines).join("\n")
    }
  }).pipe(
    Effect.provideService(RunningExecutable, place.executable),
    Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, edges])
  )
})

/** As a build that carries the client in C. */
const withClient = (text: string) => Effect.provideService(CarriedClient, Effect.succeed(Buffer.from(text)))

const modeOf = (path: string) => (Fs.statSync(path).mode & 0o7777).toString(8)

describe("the executable and the client that it carries", () => {
  it.effect("lie under the plugin's name and in a directory beside it, and nothing else does", () =>
    Effect.gen(function* () {
      const place = yield* node
      const { stderr, stdout, well } = yield* withClient("the client")(run(place, "--cni-bin-dir", place.bin))
      assert.isTrue(well, stderr)
      const [target, full] = [join(place.bin, "userspace"), join(place.bin, ".userspace", "userspace")]
      assert.strictEqual(stdout, `Installed ${target}`)
      assert.strictEqual(Fs.readFileSync(target, "utf8"), "the client")
      assert.deepStrictEqual(Fs.readFileSync(full), Fs.readFileSync(place.executable))
      assert.deepStrictEqual([modeOf(target), modeOf(full), modeOf(join(full, ".."))], ["755", "755", "755"])
      const all = Fs.readdirSync(place.bin, { recursive: true }).toSorted()
      assert.deepStrictEqual(all, [".userspace", ".userspace/userspace", "userspace"])
    })
  )

  it.effect("replace those of another release, and one that had no client", () =>
    Effect.gen(function* () {
      const place = yield* node
      for (const client of ["one", "two"]) {
        yield* run(place, "--cni-bin-dir", place.bin)
        Fs.writeFileSync(place.executable, `the executable with ${client}`)
        const { stderr, well } = yield* withClient(client)(run(place, "--cni-bin-dir", place.bin))
        assert.isTrue(well, stderr)
        assert.strictEqual(Fs.readFileSync(join(place.bin, "userspace"), "utf8"), client)
        const full = Fs.readFileSync(join(place.bin, ".userspace", "userspace"), "utf8")
        assert.strictEqual(full, `the executable with ${client}`)
      }
    })
  )

  it.effect("the executable is there before the client, whose last step it is", () =>
    Effect.gen(function* () {
      const place = yield* node
      // The client cannot be renamed to a name that a directory has.
      Fs.mkdirSync(join(place.bin, "userspace"))
      const { stderr, well } = yield* withClient("the client")(run(place, "--cni-bin-dir", place.bin))
      assert.isFalse(well)
      assert.include(stderr, "cannot install the executable in")
      assert.deepStrictEqual(Fs.readdirSync(place.bin).toSorted(), [".userspace", "userspace"])
      assert.isTrue(Fs.existsSync(join(place.bin, ".userspace", "userspace")))
    })
  )

  it.effect("one without a client is in both places, for clients that have just been started", () =>
    Effect.gen(function* () {
      const place = yield* node
      yield* withClient("the client")(run(place, "--cni-bin-dir", place.bin))
      Fs.writeFileSync(place.executable, "a build without a compiler")
      const { stderr, well } = yield* run(place, "--cni-bin-dir", place.bin)
      assert.isTrue(well, stderr)
      const [target, full] = [join(place.bin, "userspace"), join(place.bin, ".userspace", "userspace")]
      assert.strictEqual(Fs.readFileSync(full, "utf8"), "a build without a compiler")
      assert.strictEqual(Fs.statSync(target).ino, Fs.statSync(full).ino)
    })
  )
})

describe("userspace uninstall", () => {
  const removed = Effect.fnUntraced(function* (place: SocketPaths) {
    return yield* Effect.gen(function* () {
      const exit = yield* Effect.exit(commandLine(["uninstall", "--cni-bin-dir", place.bin], place.variables))
      const said = [...(yield* TestConsole.logLines), ...(yield* TestConsole.errorLines)].join("\n")
      return { well: Exit.isSuccess(exit), said }
    }).pipe(Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, edges]))
  })

  it.effect("removes the client and the executable, and no other plugin; repeats are free", () =>
    Effect.gen(function* () {
      const place = yield* node
      Fs.writeFileSync(join(place.bin, "host-local"), "")
      yield* withClient("the client")(run(place, "--cni-bin-dir", place.bin))
      const first = yield* removed(place)
      assert.isTrue(first.well, first.said)
      const paths = [join(place.bin, "userspace"), join(place.bin, ".userspace", "userspace")]
      assert.strictEqual(first.said, paths.map((path) => `Removed ${path}`).join("\n"))
      assert.deepStrictEqual(Fs.readdirSync(place.bin), ["host-local"])
      const second = yield* removed(place)
      assert.deepStrictEqual(second, { well: true, said: `Nothing of the plugin is in ${place.bin}` })
    })
  )

  it.effect("removes an executable without a client, and leaves what somebody else put into its directory", () =>
    Effect.gen(function* () {
      const place = yield* node
      yield* run(place, "--cni-bin-dir", place.bin)
      Fs.mkdirSync(join(place.bin, ".userspace"))
      Fs.writeFileSync(join(place.bin, ".userspace", "somebody's"), "")
      const { said, well } = yield* removed(place)
      assert.isFalse(well)
      assert.match(said, /^userspace: cannot remove the executable from .*\n.*ENOTEMPTY\n {2}-> Give the directory/s)
      assert.deepStrictEqual(Fs.readdirSync(place.bin), [".userspace"])
      assert.isTrue(Fs.existsSync(join(place.bin, ".userspace", "somebody's")))
    })
  )
})

describe("the executable", () => {
  it.effect("exists, is executable for everybody, and no other file is beside it", () =>
    Effect.gen(function* () {
      const place = yield* node
      const { stderr, stdout, well } = yield* run(place, "--cni-bin-dir", place.bin)
      assert.isTrue(well, stderr)
      const target = join(place.bin, "userspace")
      assert.strictEqual(stdout, `Installed ${target}`)
      assert.deepStrictEqual(Fs.readFileSync(target), Fs.readFileSync(place.executable))
      assert.strictEqual(modeOf(target), "755")
      assert.deepStrictEqual(Fs.readdirSync(place.bin), ["userspace"])
    })
  )

  it.live("replaces one that runs, which keeps running", () =>
    Effect.gen(function* () {
      const place = yield* node
      const target = join(place.bin, "userspace")
      Fs.copyFileSync("/bin/sleep", target)
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(target, ["60"])),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      yield* Effect.callback<void>((resume) => void child.once("spawn", () => resume(Effect.void)))
      // The kernel's refusal, without which this shows nothing.
      assert.throws(() => Fs.writeFileSync(target, ""), /ETXTBSY/)
      const { stderr, well } = yield* run(place, "--cni-bin-dir", place.bin)
      assert.isTrue(well, stderr)
      assert.isNull(child.exitCode)
      assert.deepStrictEqual(Fs.readFileSync(target), Fs.readFileSync(place.executable))
    })
  )

  it.live("a killed installer's files are removed, and those of a running one are not", () =>
    Effect.gen(function* () {
      const place = yield* node
      for (const name of [".userspace-install-old", ".userspace-install-new"]) Fs.mkdirSync(join(place.bin, name))
      Fs.utimesSync(join(place.bin, ".userspace-install-old"), 0, 0)
      const { stderr, well } = yield* run(place, "--cni-bin-dir", place.bin)
      assert.isTrue(well, stderr)
      assert.deepStrictEqual(Fs.readdirSync(place.bin).toSorted(), [".userspace-install-new", "userspace"])
    })
  )

  it.effect("a missing directory is reported in three parts", () =>
    Effect.gen(function* () {
      const place = yield* node
      const { stderr, well } = yield* run(place, "--cni-bin-dir", join(place.bin, "absent"))
      assert.isFalse(well)
      assert.match(stderr, /^userspace: cannot install the executable in .*absent\n {2}.+\n {2}-> Give the dir/s)
    })
  )

  it.effect("is not installed from sources", () =>
    Effect.gen(function* () {
      const place = yield* node
      const { stderr, well } = yield* run({ ...place, executable: "/usr/bin/node" }, "--cni-bin-dir", place.bin)
      assert.isFalse(well)
      assert.include(stderr, "-> Run `make build`")
      assert.deepStrictEqual(Fs.readdirSync(place.bin), [])
    })
  )
})

const access = (kubeconfig: string) =>
  Effect.provide(
    Effect.flatMap(Files, (files) => readAccess(files, { kubeconfig })),
    edges
  )

describe("the kubeconfig", () => {
  it.effect("can be read by the plugin, and by nobody else", () =>
    Effect.gen(function* () {
      const place = yield* node
      const { stderr, stdout, well } = yield* run(place, "--kubeconfig", place.kubeconfig)
      assert.isTrue(well, stderr)
      assert.strictEqual(stdout, `Wrote ${place.kubeconfig}`)
      assert.strictEqual(modeOf(place.kubeconfig), "600")
      assert.deepStrictEqual(Fs.readdirSync(place.net), ["userspace.kubeconfig"])
      const { server, tls, token, warnings } = yield* access(place.kubeconfig)
      assert.strictEqual(server, "https://10.96.0.1:443")
      assert.strictEqual(tls.ca, place.ca)
      assert.isTrue(tls.verify)
      assert.deepStrictEqual(warnings, [])
      assert.isDefined(token)
      assert.include(Fs.readFileSync(place.kubeconfig, "utf8"), "token-1")
    })
  )

  it.effect("brackets an IPv6 address, and replaces a file that everybody may read", () =>
    Effect.gen(function* () {
      const place = yield* node
      Fs.writeFileSync(place.kubeconfig, "old", { mode: 0o644 })
      const variables = { ...place.variables, KUBERNETES_SERVICE_HOST: "fd00::1" }
      const { stderr, well } = yield* run({ ...place, variables }, "--kubeconfig", place.kubeconfig)
      assert.isTrue(well, stderr)
      assert.strictEqual(modeOf(place.kubeconfig), "600")
      assert.strictEqual((yield* access(place.kubeconfig)).server, "https://[fd00::1]:443")
    })
  )

  it.effect("names the node's token file instead of a token", () =>
    Effect.gen(function* () {
      const place = yield* node
      const onNode = join(place.net, "token")
      Fs.writeFileSync(onNode, "token-of-the-node")
      const { well } = yield* run(place, "--kubeconfig", place.kubeconfig, "--token-file", onNode)
      assert.isTrue(well)
      assert.notInclude(Fs.readFileSync(place.kubeconfig, "utf8"), "token-1")
      assert.isDefined((yield* access(place.kubeconfig)).token)
    })
  )

  it.effect("is left as it is without an account, an address or a token", () =>
    Effect.gen(function* () {
      const place = yield* node
      Fs.writeFileSync(place.kubeconfig, "old")
      const kept = Effect.fnUntraced(function* (changed: Partial<SocketPaths>, words: string) {
        const { stderr, well } = yield* run({ ...place, ...changed }, "--kubeconfig", place.kubeconfig)
        assert.isFalse(well)
        assert.include(stderr, words)
        assert.include(stderr, "-> Run it in a pod that has a service account")
        assert.strictEqual(Fs.readFileSync(place.kubeconfig, "utf8"), "old")
      })
      yield* kept({ account: join(place.bin, "absent") }, "absent/ca.crt")
      yield* kept({ variables: {} }, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
      place.mount("")
      yield* kept({}, "token is empty or contains blanks")
    })
  )
})

it.effect("refuses invalid values", () =>
  Effect.gen(function* () {
    const place = yield* node
    assert.include((yield* run(place)).stderr, "-> Give --cni-bin-dir, --kubeconfig or both.")
    assert.include((yield* run(place, "--cni-bin-dir", place.bin, "--renew")).stderr, "-> Give --kubeconfig too.")
    assert.deepStrictEqual(Fs.readdirSync(place.bin), [])
  })
)
