/**
 * A private VPP of an installed release: all files in one temporary directory, a separate network namespace, no
 * hugepages, no DPDK, no PCI. Its scope stops it. With `poll-sleep-usec`, because VPP otherwise takes a whole core.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Scope } from "effect"
import { until } from "../../support/Until.ts"
import { cleanEnvironment, type ProgramError, start, succeed } from "./Program.ts"

export interface VppInstance {
  readonly directory: string
  /** The socket of its binary API. */
  readonly api: string
  /** The current process. */
  readonly pid: Effect.Effect<number>
  /** Returns when the current process has ended, with its signal or status. */
  readonly ended: Effect.Effect<string>
  /** `vppctl`. */
  readonly ctl: (...words: ReadonlyArray<string>) => Effect.Effect<string, ProgramError>
  /** The signal that has ended the current process. */
  readonly signal: Effect.Effect<string | undefined>
  /** SIGKILL; returns when it is gone. Its sockets' files stay. */
  readonly kill: Effect.Effect<void>
  /** Returns when it answers. */
  readonly start: Effect.Effect<void, ProgramError>
}

/** Debian's layout has a directory for the architecture in between. */
export const libraries = (prefix: string): string => {
  const lib = join(prefix, "lib")
  const [found = lib] = [lib, ...readdirSync(lib).map((name) => join(lib, name))].filter((path) =>
    existsSync(join(path, "vpp_plugins"))
  )
  return found
}

/** Names of shared memory: two VPPs of one machine must not share them. */
const shared = (directory: string): string => directory.slice(1).replaceAll("/", "-")

const startupConf = (directory: string, plugins: string): string =>
  [
    `unix { nodaemon nobanner runtime-dir ${directory}/run cli-listen ${directory}/run/cli.sock exec ${directory}/exec log ${directory}/vpp.log poll-sleep-usec 1000 }`,
    `api-segment { prefix ${shared(directory)} }`,
    `socksvr { socket-name ${directory}/run/api.sock }`,
    `statseg { socket-name ${directory}/run/stats.sock size 8m page-size 4k }`,
    "memory { main-heap-size 256M main-heap-page-size 4k }",
    "buffers { buffers-per-numa 8192 page-size 4k }",
    `plugins { path ${plugins} }`,
    ""
  ].join("\n")

/**
 * `netns`: path of its network namespace; without, it has a separate one. `within`: a program that executes the words
 * after its own, as VPP's pid.
 */
export const instance = Effect.fn("VppInstance.make")(function* (
  prefix: string,
  netns?: string,
  within: ReadonlyArray<string> = []
): Effect.fn.Return<VppInstance, ProgramError, Scope.Scope> {
  const directory = yield* Effect.acquireRelease(
    // Short: a memif path may have 106 bytes.
    Effect.sync(() => mkdtempSync("/tmp/vpp-")),
    (path) =>
      Effect.sync(() => {
        rmSync(path, { recursive: true, force: true, maxRetries: 20 })
        // One that was killed leaves its shared memory.
        for (const segment of ["global_vm", "vpe-api"]) rmSync(`/dev/shm/${shared(path)}-${segment}`, { force: true })
      })
  )
  mkdirSync(`${directory}/run`)
  const lib = libraries(prefix)
  // Commands that somebody adds, from the next start on.
  writeFileSync(`${directory}/exec`, "")
  writeFileSync(`${directory}/startup.conf`, startupConf(directory, join(lib, "vpp_plugins")))
  const env = { ...cleanEnvironment, LD_LIBRARY_PATH: lib }
  const outer = yield* Effect.scope
  const command = [`${prefix}/bin/vpp`, "-c", `${directory}/startup.conf`]
  const enter = netns === undefined ? ["unshare", "--net"] : ["nsenter", `--net=${netns}`]

  const ctl = (...words: ReadonlyArray<string>) =>
    Effect.map(succeed(`${prefix}/bin/vppctl`, ["-s", `${directory}/run/cli.sock`, ...words], { env }), (text) =>
      text.trim()
    )

  let ended: NodeJS.Signals | undefined
  const spawn = Effect.gen(function* () {
    for (const name of ["api.sock", "cli.sock"]) rmSync(`${directory}/run/${name}`, { force: true })
    const scope = yield* Scope.fork(outer)
    const [program = "", ...args] = [...enter, ...within, ...command]
    const process = yield* Scope.provide(
      start("prlimit", ["--core=0", program, ...args], { env, log: `${directory}/out.log`, stop: "SIGTERM" }),
      scope
    )
    ended = undefined
    const noted = Effect.map(process.outcome, ({ signal }) => {
      ended = signal ?? undefined
    })
    yield* Effect.forkIn(noted, scope)
    yield* Effect.orDie(until("a VPP that answers", ctl("show", "version"), (text) => text.startsWith("vpp ")))
    // The plugin waits until a VPP that has just started has read its commands. This one has none.
    if (statSync(`${directory}/exec`).size === 0) utimesSync(`${directory}/run/api.sock`, 0, 0)
    return { process, scope }
  })

  let now = yield* spawn
  const kill = Effect.suspend(() => Effect.andThen(now.process.signal("SIGKILL"), Effect.asVoid(now.process.outcome)))
  return {
    directory,
    api: `${directory}/run/api.sock`,
    pid: Effect.sync(() => now.process.pid),
    signal: Effect.sync(() => ended),
    ended: Effect.suspend(() => Effect.map(now.process.outcome, ({ signal, status }) => signal ?? `exit ${status}`)),
    ctl,
    kill,
    start: Effect.map(spawn, (next) => {
      now = next
    })
  }
})
