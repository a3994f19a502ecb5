/**
 * The calls of the agent: accepted while there is room, scheduled, interrupted when their caller leaves or asks for it,
 * and counted. It knows no HTTP: a caller is a {@link Peer}.
 */
import * as Fs from "node:fs"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as References from "effect/References"
import { type Answer, type Asker, call, type Host } from "../app/CniCall.ts"
import { engineFor } from "../app/Composition.ts"
import { untaken } from "../app/Stdio.ts"
import type { Control } from "../cni/network/HostPort.ts"
import type { CniError } from "../cni/types/CniError.ts"
import type { Edges } from "../platform/Edges.ts"
import { Files } from "../platform/Files.ts"
import { Https } from "../platform/Https.ts"
import { Namespaces } from "../platform/Namespaces.ts"
import { Processes } from "../platform/Processes.ts"
import { Slots, Sockets } from "../platform/Sockets.ts"
import { callSpan } from "../program/Trace.ts"
import type { VppClient } from "../vpp/client/VppClient.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"
import * as LogFiles from "./LogFiles.ts"
import type { Meter } from "./metrics/Meter.ts"
import type { Handed, Line } from "./Protocol.ts"
import * as Scheduler from "./Scheduler.ts"
import type { Status } from "./Status.ts"

/** Maximum number of calls that run or wait. A caller's deadline is minutes away, and the agent's memory is bounded. */
const mostCalls = 1024
/** Maximum total length of bodies that are being read, in bytes. */
const mostBytes = 64 << 20

export interface Peer {
  readonly say: (line: Line) => void
  /** Resumes when this line, the answer, has left this process; fails when it cannot be written. */
  readonly tell: (line: Line) => Effect.Effect<void, string>
  /** The line was the last one. */
  readonly leave: () => void
}

interface Seen extends Omit<Status["underWay"][number], "state"> {
  state: "queued" | "running"
}

/** `used`: is told, when a call has ended, which switches it used. */
export const make = Effect.fnUntraced(function* (
  answered: Meter["answered"] = () => {},
  used: (at: Control) => void = () => {}
) {
  // Only these, so that calls do not share other services of the agent's fiber, such as its log.
  const edges = Context.pick(Files, Https, Namespaces, Processes, Slots, Sockets)(yield* Effect.context<Edges>())
  const context = yield* Effect.context<never>()
  const fork = Effect.runForkWith(context)
  const onEdges: Layer.Layer<Edges> = Layer.succeedContext(edges)
  const switches = yield* keptSwitches
  const logs = LogFiles.make()
  const scheduler = Scheduler.make()

  const running = new Map<string, { readonly seen: Seen; readonly fiber: Fiber.Fiber<void> }>()
  const counts = { served: 0, failed: 0, interrupted: 0 }
  const reserved = { calls: 0, bytes: 0 }
  const idle: Array<() => void> = []
  let failure: Status["lastFailure"] = null

  const askerOf = (one: Seen, peer: Peer, done: (code: number) => void): Asker => ({
    tell: Effect.fnUntraced(function* ({ document, status }: Answer): Effect.fn.Return<void, CniError> {
      if (status === 1) fail(one, document)
      yield* logs.written
      const more = yield* References.TracerEnabled
      const line: Line = {
        status,
        ...(document === undefined ? {} : { document: JSON.stringify(document) }),
        ...(more ? { more } : {})
      }
      yield* Effect.mapError(peer.tell(line), untaken)
      done(status === 0 ? 0 : codeIn(document))
      // An ADD whose answer nobody receives is rolled back.
      if (status === 0) counts.served++
      if (!more) peer.leave()
    }),
    leave: () => Effect.andThen(logs.written, Effect.sync(peer.leave))
  })

  const fail = ({ containerId, verb }: Seen, document: Answer["document"]) => {
    counts.failed++
    const { details, msg }: { readonly msg?: unknown; readonly details?: unknown } = document ?? {}
    const at = new Date().toISOString()
    failure = { at, verb, containerId, code: codeIn(document), msg: String(msg), cure: String(details) }
  }

  const begin = ({ environment, stdin }: Handed, invocation: string, peer: Peer) => {
    const seen: Seen = {
      invocation,
      verb: environment["CNI_COMMAND"] ?? "",
      containerId: environment["CNI_CONTAINERID"] ?? "",
      interface: environment["CNI_IFNAME"] ?? "",
      since: new Date().toISOString(),
      state: "queued"
    }
    const schedule: NonNullable<Host["schedule"]> = (asked) => (self) =>
      scheduler(asked)(
        Effect.suspend(() => {
          seen.state = "running"
          return self
        })
      )
    const began = performance.now()
    const done = (code: number) =>
      answered({ verb: seen.verb, stdin, code, seconds: (performance.now() - began) / 1000 })
    const { containerId, interface: ifName, verb } = seen
    const mine: Array<Control> = []
    const host: Host = {
      schedule,
      switches: (at) => {
        mine.push(at)
        return switches.at(at)
      },
      invocation,
      outputs: { stderr: (log) => peer.say({ log }), file: logs.file }
    }
    const program = call(environment, stdin, onEdges, askerOf(seen, peer, done), host).pipe(
      callSpan(verb, environment["TRACEPARENT"], { container: containerId, interface: ifName })
    )
    const fiber = fork(program)
    running.set(invocation, { seen, fiber })
    fiber.addObserver(() => {
      running.delete(invocation)
      for (const at of mine) used(at)
      rest()
    })
  }

  const rest = () => {
    if (running.size === 0 && reserved.calls === 0) for (const resume of idle.splice(0)) resume()
  }

  return {
    /** Returns false when there is no room. Otherwise reserves it until `release`. */
    reserve: (bytes: number): boolean => {
      if (running.size + reserved.calls >= mostCalls || reserved.bytes + bytes > mostBytes) return false
      reserved.calls++
      reserved.bytes += bytes
      return true
    },
    release: (bytes: number): void => {
      reserved.calls--
      reserved.bytes -= bytes
      rest()
    },
    begin,
    /** Interrupts the caller's call; false: there is none. */
    interrupt: (invocation: string): boolean => {
      const one = running.get(invocation)
      if (one === undefined) return false
      counts.interrupted++
      one.fiber.interruptUnsafe()
      return true
    },
    /** Resumes when no call is left. */
    ended: Effect.callback<void>((resume) => {
      idle.push(() => resume(Effect.void))
      rest()
    }),
    seen: (): ReadonlyArray<Seen> => [...running.values()].map(({ seen }) => seen),
    counted: () => ({ ...counts }),
    lastFailure: () => failure,
    switches: switches.kept
  }
})

export type Calls = Effect.Success<ReturnType<typeof make>>

const codeIn = (document: Answer["document"]): number => Number(document?.["code"])

const idle = "1 minute"

interface KeptSwitch extends Control {
  readonly since: string
}

/** Identifies the socket at a path: another one is another switch, even while the connection to the first is open. */
const socketAt = (path: string): Effect.Effect<string> =>
  Effect.callback((resume) =>
    Fs.stat(path, (error, there) => resume(Effect.succeed(error ? "none" : `${there.dev}:${there.ino}`)))
  )

interface SwitchKey extends Control {
  readonly socket: string
}

/** Calls for VPP share a session; the process of one call has one for each piece of work. */
const oneSession = <R>(make: Effect.Effect<VppClient["Service"], never, R>) =>
  Effect.flatMap(
    Effect.promise(() => import("../vpp/client/SharedSession.ts")),
    ({ shared }) => shared(make, idle)
  )

/** With one connection to each: opened when it is needed, closed after a minute without users, opened again when it is lost. */
const keptSwitches = Effect.gen(function* () {
  const kept = new Set<KeptSwitch>()
  const switches = yield* RcMap.make({
    lookup: ({ control, engine }: SwitchKey) =>
      Effect.acquireRelease(
        Effect.sync((): KeptSwitch => {
          const one = { engine, control, since: new Date().toISOString() }
          kept.add(one)
          return one
        }),
        (one) => Effect.sync(() => kept.delete(one))
      ).pipe(
        Effect.andThen(
          Effect.map(Layer.build(engineFor({ engine, control }, { VppClient: oneSession })), Context.get(Vswitch))
        )
      ),
    idleTimeToLive: idle
  })
  return {
    at: ({ control, engine }: Control) =>
      Effect.flatMap(socketAt(control), (socket) => RcMap.get(switches, { engine, control, socket })),
    kept: (): ReadonlyArray<KeptSwitch> => [...kept]
  }
})
