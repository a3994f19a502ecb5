/**
 * One node under test with a VPP: private directories, the executable and host-local in a CNI binary directory. The VPP
 * is a real one, or the model in TypeScript; the plugin is a separate process in both cases.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as Suite from "../../suites/VppUnderTest.ts"
import { lastSeen } from "../../support/Until.ts"
import { start as startServer, type VppServer } from "../../vpp/server/VppServer.ts"
import { type Sandbox, sandbox } from "./CniNode.ts"
import { executable, pluginDirectory, vppPrefixes } from "./Machine.ts"
import * as Plugin from "./Plugin.ts"
import { type Outcome, type ProgramError, run } from "./Program.ts"
import { instance } from "./VppInstance.ts"
import { filesIn, leasesIn } from "./World.ts"

interface Daemon {
  readonly api: string
  /** SIGKILL: connections drop, all state is lost, the sockets' files stay. */
  readonly kill: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

export class VppDaemon extends Context.Service<VppDaemon, Daemon>()("userspace-cni/test/VppDaemon") {}

const real = (prefix: string) =>
  Layer.effect(
    VppDaemon,
    Effect.map(instance(prefix), ({ api, kill, start }) => ({ api, kill, start: Effect.orDie(start) }))
  )

/** The model in TypeScript, for tests that make it fail. */
export class VppInTypeScript extends Context.Service<VppInTypeScript, VppServer>()(
  "userspace-cni/test/VppInTypeScript"
) {}

const server = Layer.effect(
  VppInTypeScript,
  Effect.flatMap(
    Effect.suspend(() => temporary("/tmp/vpp-")),
    (directory) => startServer({ path: `${directory}/api.sock` })
  )
)

const inTypeScript = Layer.effect(
  VppDaemon,
  Effect.map(VppInTypeScript, (server) => ({
    api: server.path,
    kill: Effect.promise(() => server.kill()),
    start: Effect.promise(() => server.restart())
  }))
)

const temporary = (prefix: string) =>
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(prefix)),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 20 }))
  )

type Json = Readonly<Record<string, unknown>>

const make = Effect.gen(function* () {
  const { api } = yield* VppDaemon
  const underTest = yield* Suite.VppUnderTest
  // Short: a socket's path may have 106 bytes.
  const directory = yield* temporary(`${tmpdir()}/cni-`)
  chmodSync(directory, 0o755)
  const plugins = `${directory}/bin`
  for (const name of ["shared", "state", "leases", "bin"]) mkdirSync(`${directory}/${name}`)
  symlinkSync(`${pluginDirectory}/host-local`, `${plugins}/host-local`)

  const network = (host: Json, more: Json = {}) => ({
    cniVersion: "1.0.0",
    type: "userspace",
    name: "e2e",
    sharedDir: `${directory}/shared`,
    stateDir: `${directory}/state`,
    host: { engine: "vpp", iftype: "memif", memif: { role: "master" }, socket: api, ...host },
    ipam: {
      type: "host-local",
      dataDir: `${directory}/leases`,
      ranges: [[{ subnet: "10.57.0.0/24", gateway: "10.57.0.1" }]]
    },
    ...more
  })

  const called = (verb: Plugin.Verb, of: Sandbox, conf: object): Plugin.Call => ({
    plugin: executable,
    verb,
    ...of,
    path: plugins,
    stdin: JSON.stringify(conf),
    environment: { HOME: "/root" }
  })
  const call = (verb: Plugin.Verb, of: Sandbox, conf: object) => Plugin.call(called(verb, of, conf))

  /** All that an attachment may leave, as one value. */
  const look = Effect.gen(function* () {
    const files = yield* filesIn([`${directory}/shared`, `${directory}/state`])
    return {
      vpp: yield* Effect.provideService(Suite.look, Suite.VppUnderTest, underTest),
      files: Object.entries(files),
      leases: yield* leasesIn(`${directory}/leases`)
    }
  })

  const userspace = (...args: ReadonlyArray<string>): Effect.Effect<Outcome, ProgramError> =>
    run(executable, args, { deadline: "90 seconds" })

  return {
    directory,
    api,
    network,
    sandbox,
    called,
    call,
    look,
    userspace,
    /** `userspace restore` of this node. */
    restore: (...args: ReadonlyArray<string>) => userspace("restore", "--state-dir", `${directory}/state`, ...args),
    returnsTo: (before: Effect.Success<typeof look>) =>
      Effect.map(
        lastSeen(look, (world) => isDeepStrictEqual(world, before)),
        (now) => assert.deepStrictEqual(now, before)
      )
  }
})

export class VppCniNode extends Context.Service<VppCniNode, Effect.Success<typeof make>>()(
  "userspace-cni/test/VppCniNode"
) {}

export const over = <R = never>(daemon: Layer.Layer<VppDaemon, ProgramError, R>, release: string) => {
  const underTest = Layer.effect(
    Suite.VppUnderTest,
    Effect.map(VppDaemon, ({ api, kill, start }) => ({ path: api, release, restart: Effect.andThen(kill, start) }))
  )
  return Layer.effect(VppCniNode, make).pipe(Layer.provideMerge(underTest), Layer.provideMerge(daemon))
}

export const onTypeScript = Layer.provideMerge(over(inTypeScript, "26.06"), server)
export const onReal = (prefix: string) => over(real(prefix), basename(prefix))

type Live = readonly [name: string, needs: ReadonlyArray<"vpp">, live: Layer.Layer<OnVpp, unknown>]

/** Real ones; where there is none, the model, which then says what it can of the executable. */
export const everyVpp: ReadonlyArray<Live> =
  vppPrefixes.length > 0
    ? vppPrefixes.map((prefix): Live => [`a real VPP ${basename(prefix)}`, ["vpp"], onReal(prefix)])
    : [
        ["the VPP in TypeScript", [], onTypeScript],
        ["a real VPP", ["vpp"], onReal("")]
      ]

export type OnVpp = VppCniNode | VppDaemon | Suite.VppUnderTest
