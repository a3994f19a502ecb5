/**
 * The agent: one process on a node that serves the plugin's calls with loaded code and open connections. It is unready
 * once it is told to stop, and exits when accepted calls have ended. A call without it: `client/Client.ts`.
 */

import * as Fs from "node:fs"
import { basename, dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { version } from "../app/Version.ts"
import type { NodeTraffic } from "../attachment/traffic/NodeTraffic.ts"
import type { Control } from "../cni/network/HostPort.ts"
import type { Variables } from "../cni/types/Environment.ts"
import { Slots } from "../platform/Sockets.ts"
import * as Calls from "./Calls.ts"
import { namespaces } from "./Location.ts"
import type { Address } from "./metrics/Endpoint.ts"
import * as Endpoint from "./metrics/Endpoint.ts"
import * as Meter from "./metrics/Meter.ts"
import * as Otlp from "./metrics/Otlp.ts"
import * as Scrape from "./metrics/Scrape.ts"
import { healthPath } from "./Protocol.ts"
import * as Routes from "./Routes.ts"
import * as Server from "./Server.ts"
import { get, type Status } from "./Status.ts"

interface MetricsOptions {
  readonly meter: Meter.Meter
  readonly traffic: Effect.Effect<NodeTraffic>
  readonly devices?: Scrape.Sources["devices"]
  /** The agent's environment. */
  readonly variables: Variables
  /** Number of records that nothing can be made of. */
  readonly unusable: () => number
  /** For TCP; undefined: on the agent's socket alone. */
  readonly address: Address | undefined
}

interface Options {
  readonly socket: string
  /** Runs to its end, or until a timeout, before calls are served. */
  readonly first?: Effect.Effect<void>
  /** The result of the last rounds of healing. */
  readonly healing?: () => Status["healing"]
  /** Is told which switches calls have used. */
  readonly used?: (at: Control) => void
  /** Absent: it counts itself alone. */
  readonly metrics?: MetricsOptions
}

/** Limits `first`: calls do not wait for healing. */
const firstPatience = "30 seconds"
/** Interval between two checks of the own socket's file. systemd is notified after each answer of the socket. */
const lookEvery = "2 seconds"

export const agent = Effect.fnUntraced(function* (options: Options) {
  const { first = Effect.void, healing = () => null, metrics = ownMetrics(), socket, used } = options
  // Effect captures a stack trace for every named function. No other code runs in this process.
  Error.stackTraceLimit = 0
  const calls = yield* Calls.make(metrics.meter.answered, used)
  const own = yield* only(socket)
  const started = Date.now()
  const since = new Date(started).toISOString()
  const instance = crypto.randomUUID()
  let is: "starting" | "ready" | "draining" = "starting"
  let listening: Server.Listening | undefined
  let rebound = 0
  /** Metrics over TCP. */
  let served: (() => Endpoint.Served) | undefined
  const log = Effect.runForkWith(yield* Effect.context<never>())
  /** The last one, and how many. */
  let declined: Status["declined"]
  const told = new Set<string>()
  const counted = () => {
    const seen = calls.seen()
    const running = seen.filter(({ state }) => state === "running").length
    return { running, queued: seen.length - running }
  }
  const scrape = yield* Scrape.make({
    meter: metrics.meter,
    traffic: metrics.traffic,
    devices: metrics.devices,
    now: () => ({ version, started: started / 1000, ...counted(), unusable: metrics.unusable() })
  })
  const answers = yield* Endpoint.answering(scrape)
  yield* Otlp.metrics(metrics.variables, scrape)
  const handle = Routes.make(calls, {
    is: () => is,
    instance,
    namespaces: namespaces(),
    metrics: answers,
    status: () => ({
      version,
      pid: process.pid,
      since,
      state: is,
      socket,
      rebound,
      calls: { ...calls.counted(), ...counted() },
      ...(declined === undefined ? {} : { declined }),
      underWay: calls.seen(),
      switches: calls.switches(),
      ...(served === undefined ? {} : { metrics: served() }),
      healing: healing(),
      lastFailure: calls.lastFailure()
    }),
    declined: ({ cure, reason, why }) => {
      metrics.meter.declined(reason)
      declined = { calls: (declined?.calls ?? 0) + 1, at: new Date().toISOString(), why, cure: cure ?? null }
      if (cure === undefined || told.has(why) || told.size >= mostTold) return
      told.add(why)
      log(Effect.logWarning(`declined a call, which its process makes: ${why}. ${cure}`))
    }
  })
  const bind = Effect.tap(Server.listen(socket, handle), (now) =>
    Effect.sync(() => {
      listening?.close()
      listening = now
    })
  )
  const drain = Effect.gen(function* () {
    is = "draining"
    yield* notify("STOPPING=1")
    listening?.close()
    yield* Scope.close(own, Exit.void)
    const waiting = calls.seen().length
    yield* Effect.logInfo(`stopping: ${waiting} calls are under way`)
    yield* calls.ended
    yield* Effect.logInfo("stopped")
  })

  /** What answers on the socket's path. On a busy machine an answer may take long. */
  const met = get(socket, healthPath).pipe(
    Effect.map(({ headers }) => (headers[Routes.instanceHeader] === instance ? "us" : "another")),
    Effect.catch(({ answer }) => Effect.succeed(refused.has(answer) ? "nobody" : "silence"))
  )
  let looks = 0
  /** Why the socket could not be created, told once. */
  let unbound: string | undefined
  const look = Effect.gen(function* () {
    const isThere = listening?.identity === Server.identityAt(socket)
    if (isThere && ++looks % callEvery > 0) return
    const who = isThere ? yield* met : "another"
    if (who === "us") return yield* notify("WATCHDOG=1")
    if (who === "silence") return
    if (unbound === undefined) yield* Effect.logWarning(`${socket} is gone or was replaced: creating it again`)
    yield* bind
    unbound = undefined
    rebound++
  }).pipe(
    Effect.catchTag("ListenError", ({ answer, cure }) => {
      if (answer === unbound) return Effect.void
      unbound = answer
      return Effect.logError(`${answer}. ${cure}`)
    })
  )

  yield* bind
  yield* Effect.addFinalizer(() => drain)
  served = metrics.address === undefined ? undefined : yield* Endpoint.keep(metrics.address, answers)
  yield* Effect.timeoutOption(first, firstPatience)
  is = "ready"
  yield* notify(`READY=1\nSTATUS=serving calls on ${socket}`)
  yield* Effect.logInfo(`userspace-cni ${version} serves calls on ${socket}`)
  return yield* Effect.forever(Effect.delay(look, lookEvery))
}, Effect.scoped)

/** Number of reasons that are logged, once each. */
const mostTold = 16

const ownMetrics = (): MetricsOptions => ({
  meter: Meter.make({}),
  variables: {},
  traffic: Effect.succeed({ interfaces: [], silent: [], failures: [] }),
  unusable: () => 0,
  address: undefined
})

/** Number of checks of the file for one call of the socket. */
const callEvery = 5

const refused: ReadonlySet<string> = new Set(["ENOENT", "ECONNREFUSED", "ECONNRESET"])

/** One agent at a time for a socket, by any path. Released before the calls end, so that the next agent can start. */
const only = Effect.fnUntraced(function* (socket: string) {
  const slots = yield* Slots
  const scope = yield* Scope.fork(yield* Effect.scope)
  const directory = Fs.statSync(dirname(socket), { throwIfNoEntry: false })
  const at = directory === undefined ? dirname(socket) : `${directory.dev}:${directory.ino}`
  const held = yield* slots.hold(`userspace-cni/agent/${at}/${basename(socket)}`).pipe(
    Scope.provide(scope),
    Effect.mapError(({ code }) => new Server.ListenError({ answer: code, cure: "Run it as root." }))
  )
  if (!held) {
    return yield* new Server.ListenError({
      answer: `another agent serves calls on ${socket}`,
      cure: "Stop it first (`userspace agent status` shows it), or give this one another socket with --socket."
    })
  }
  return scope
})

const supervisor = process.env["NOTIFY_SOCKET"]

/** Notifies systemd of the agent's state (sd_notify(3)), if systemd asked for it. */
const notify = (state: string): Effect.Effect<void> =>
  supervisor === undefined || supervisor === ""
    ? Effect.void
    : Effect.ignore(
        Effect.flatMap(
          Effect.tryPromise(() => import("../platform/bun/libc/BunLibc.ts")),
          ({ send }) => Effect.try(() => send(supervisor, state))
        )
      )
