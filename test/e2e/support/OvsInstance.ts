/**
 * A private Open vSwitch: ovsdb-server and ovs-vswitchd with DPDK in a separate network namespace, all files in one
 * temporary directory, no hugepages, no PCI. Its scope stops it. Settings of DPDK: `--legacy-mem`, because OVS
 * otherwise adds `--in-memory`, which refuses `--no-huge`; `per-port-memory`, because the shared pool needs a gigabyte;
 * `pmd-sleep-max`, because a PMD thread otherwise takes a whole core.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { Context, Effect, Layer, Scope } from "effect"
import { until } from "../../support/Until.ts"
import { whileFull } from "./ListenQueue.ts"
import { cleanEnvironment, ProgramError, start, succeed } from "./Program.ts"

export interface Options {
  /** False: ovs-vswitchd runs without DPDK initialised. */
  readonly dpdk?: boolean
  /** For DPDK, in megabytes: a port takes 25. */
  readonly megabytes?: number
  /** The NUMA node of each core, as ovs-vswitchd is told with `--dummy-numa`: `0,1`. Default: the machine's. */
  readonly numa?: string
  /** ovs-vswitchd is a child of the test, which learns how it ended, and leaves no core. */
  readonly foreground?: boolean
}

interface Instance {
  readonly directory: string
  readonly runDir: string
  /** The database's socket. */
  readonly socket: string
  /** A directory for the sockets of client-mode ports. */
  readonly vhostDir: string
  /** From the current pidfiles. */
  readonly vswitchdPid: Effect.Effect<number, ProgramError>
  readonly ovsdbPid: Effect.Effect<number, ProgramError>
  /** Returns when ovs-vswitchd has initialised DPDK. */
  readonly startVswitchd: Effect.Effect<void, ProgramError>
  readonly startOvsdb: Effect.Effect<void, ProgramError>
  /** An orderly stop; ports and taps are removed. */
  readonly stopVswitchd: Effect.Effect<void, ProgramError>
  readonly stopOvsdb: Effect.Effect<void, ProgramError>
  /** Returns when the process is gone; its pidfile and sockets stay. */
  readonly killVswitchd: Effect.Effect<void, ProgramError>
  readonly killOvsdb: Effect.Effect<void, ProgramError>
  readonly vswitchdRuns: Effect.Effect<boolean>
  /** The signal that has ended an ovs-vswitchd in the foreground. */
  readonly vswitchdSignal: Effect.Effect<string | undefined>
  readonly vswitchdAnswers: Effect.Effect<unknown, ProgramError>
  /** Starts the stopped or killed daemons. */
  readonly startMissing: Effect.Effect<void, ProgramError>
  /**
   * `ovs-vsctl`; waits for ovs-vswitchd, unless `--no-wait` is given, and for a place in ovsdb-server's listen queue.
   */
  readonly vsctl: (...args: ReadonlyArray<string>) => Effect.Effect<string, ProgramError>
  readonly ofctl: (...args: ReadonlyArray<string>) => Effect.Effect<string, ProgramError>
}

export class OvsInstance extends Context.Service<OvsInstance, Instance>()("userspace-cni/test/OvsInstance") {
  static readonly layer = Layer.effect(
    OvsInstance,
    Effect.suspend(() => instance())
  )
  static readonly layerWith = (options: Options) =>
    Layer.effect(
      OvsInstance,
      Effect.suspend(() => instance(options))
    )
}

const vswitchd = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
const schema = "/usr/share/openvswitch/vswitch.ovsschema"

export const instance = Effect.fn("OvsInstance.make")(function* (
  options: Options = {}
): Effect.fn.Return<Instance, ProgramError, Scope.Scope> {
  const directory = yield* Effect.acquireRelease(
    // Short: a socket's path may have 107 bytes.
    Effect.sync(() => mkdtempSync("/tmp/ovs-")),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 20 }))
  )
  for (const name of ["run", "db", "log", "etc", "rt", "vhost"]) mkdirSync(`${directory}/${name}`)
  const runDir = `${directory}/run`
  const socket = `${runDir}/db.sock`
  const env = {
    ...cleanEnvironment,
    OVS_RUNDIR: runDir,
    OVS_DBDIR: `${directory}/db`,
    OVS_LOGDIR: `${directory}/log`,
    OVS_SYSCONFDIR: `${directory}/etc`,
    RUNTIME_DIRECTORY: `${directory}/rt`
  }
  const holder = yield* start("unshare", ["--net", "sleep", "infinity"])
  yield* succeed("sh", ["-c", `until [ "$(cat /proc/${holder.pid}/comm)" = sleep ]; do :; done`])

  const command = (program: string, name: string, ...args: ReadonlyArray<string>) => [
    `--net=/proc/${holder.pid}/ns/net`,
    program,
    ...args,
    `--unixctl=${runDir}/${name}.ctl`,
    `--pidfile=${runDir}/${name}.pid`,
    `--log-file=${directory}/log/${name}.log`,
    "-vconsole:off"
  ]
  const detached = (program: string, name: string, ...args: ReadonlyArray<string>) =>
    succeed("nsenter", command(program, name, ...args, "--detach", "--no-chdir"), { env })
  const vsctl = (...args: ReadonlyArray<string>) =>
    whileFull(succeed("ovs-vsctl", ["-t", "60", `--db=unix:${socket}`, ...args]))
  const pidOf = (name: string) =>
    Effect.try({
      try: () => Number(readFileSync(`${runDir}/${name}.pid`, "utf8")),
      catch: () => new ProgramError({ program: name, problem: "has no pidfile" })
    })
  const stop = (name: string, ...args: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const pid = yield* pidOf(name)
      if (yield* hasEnded(pid)) return
      yield* succeed("ovs-appctl", ["-t", `${runDir}/${name}.ctl`, "exit", ...args])
      yield* gone(name, pid)
    })
  const kill = (name: string) =>
    Effect.gen(function* () {
      const pid = yield* pidOf(name)
      // It may have ended by itself.
      yield* Effect.ignore(Effect.try(() => process.kill(pid, "SIGKILL")))
      yield* gone(name, pid)
    })

  const runs = (name: string) =>
    Effect.matchEffect(pidOf(name), {
      onFailure: () => Effect.succeed(false),
      onSuccess: (pid) => Effect.map(hasEnded(pid), (ended) => !ended)
    })

  const startOvsdb = Effect.asVoid(
    detached("ovsdb-server", "ovsdb-server", `${directory}/db/conf.db`, `--remote=punix:${socket}`)
  )
  const vswitchdArguments = [`unix:${socket}`, ...(options.numa === undefined ? [] : [`--dummy-numa=${options.numa}`])]
  const vswitchdAnswers = succeed("ovs-appctl", ["-t", `${runDir}/ovs-vswitchd.ctl`, "version"])
  const outer = yield* Effect.scope
  let ended: NodeJS.Signals | undefined
  const inForeground = Effect.gen(function* () {
    const args = command(vswitchd, "ovs-vswitchd", ...vswitchdArguments)
    const { outcome } = yield* start("prlimit", ["--core=0", "nsenter", ...args], { env, log: `${directory}/log/out` })
    ended = undefined
    const noted = Effect.map(outcome, ({ signal }) => {
      ended = signal ?? undefined
    })
    yield* Effect.forkIn(noted, outer)
    const initialised = vsctl("--no-wait", "get", "Open_vSwitch", ".", "dpdk_initialized")
    yield* until(
      "ovs-vswitchd to answer, and dpdk_initialized",
      Effect.andThen(vswitchdAnswers, initialised),
      (text) => text.trim() === String(options.dpdk !== false)
    ).pipe(Effect.orDie)
  })
  const startVswitchd =
    options.foreground === true
      ? Scope.provide(inForeground, outer)
      : Effect.asVoid(detached(vswitchd, "ovs-vswitchd", ...vswitchdArguments))
  const stopOvsdb = stop("ovsdb-server")
  const stopVswitchd = stop("ovs-vswitchd", "--cleanup")
  const stopped = (name: string, ask: Effect.Effect<void, ProgramError>) =>
    ask.pipe(
      Effect.timeout("5 seconds"),
      Effect.catch(() => kill(name)),
      Effect.ignore
    )

  yield* succeed("ovsdb-tool", ["create", `${directory}/db/conf.db`, schema])
  yield* Effect.acquireRelease(startOvsdb, () => stopped("ovsdb-server", stopOvsdb))
  yield* vsctl("--no-wait", "init")
  if (options.dpdk !== false) yield* vsctl("--no-wait", "set", "Open_vSwitch", ".", ...dpdk(options.megabytes ?? 256))
  yield* Effect.acquireRelease(startVswitchd, () => stopped("ovs-vswitchd", stopVswitchd))

  return {
    directory,
    runDir,
    socket,
    vhostDir: `${directory}/vhost`,
    vswitchdPid: pidOf("ovs-vswitchd"),
    ovsdbPid: pidOf("ovsdb-server"),
    startVswitchd,
    startOvsdb,
    stopVswitchd,
    stopOvsdb,
    killVswitchd: kill("ovs-vswitchd"),
    killOvsdb: kill("ovsdb-server"),
    vswitchdRuns: runs("ovs-vswitchd"),
    vswitchdSignal: Effect.sync(() => ended),
    vswitchdAnswers,
    startMissing: Effect.gen(function* () {
      if (!(yield* runs("ovsdb-server"))) yield* startOvsdb
      if (!(yield* runs("ovs-vswitchd"))) yield* startVswitchd
    }),
    vsctl,
    ofctl: (...args) => succeed("ovs-ofctl", args, { env })
  }
})

const dpdk = (megabytes: number) => [
  "other_config:dpdk-init=true",
  "other_config:per-port-memory=true",
  "other_config:pmd-cpu-mask=0x2",
  "other_config:pmd-sleep-max=10000",
  `other_config:dpdk-extra="--no-pci --no-huge --legacy-mem -m ${megabytes} --no-telemetry --file-prefix=ovs"`
]

/**
 * A process whose status init has not read still answers signal 0, so its state is read. Its sockets are open until the
 * last of its threads has ended, which may be after the first one is a zombie.
 */
const hasEnded = (pid: number): Effect.Effect<boolean> =>
  Effect.try(() => readFileSync(`/proc/${pid}/stat`, "utf8")).pipe(
    Effect.map((stat) => {
      const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      return state === "Z" && Number(fields[16]) <= 1 // num_threads, proc_pid_stat(5)
    }),
    Effect.orElseSucceed(() => true)
  )

const gone = (name: string, pid: number) =>
  Effect.orDie(until(`the end of ${name}, process ${pid}`, hasEnded(pid), (ended) => ended, { every: "10 millis" }))
