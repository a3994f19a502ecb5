/**
 * Runs `userspace agent`: serves calls and heals, on the edges of a process of many calls. Its log has what it finds
 * and does.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { agent } from "../../agent/Agent.ts"
import * as Events from "../../agent/events/Events.ts"
import type { Address } from "../../agent/metrics/Address.ts"
import * as Meter from "../../agent/metrics/Meter.ts"
import * as Otlp from "../../agent/metrics/Otlp.ts"
import { engineFor, mirrorsFor, onServices, watchFor } from "../../app/Composition.ts"
import type { Policy } from "../../attachment/heal/Decide.ts"
import { keep, type Observer } from "../../attachment/heal/Keep.ts"
import * as Switches from "../../attachment/node/Switches.ts"
import type { Records } from "../../attachment/records/Records.ts"
import * as NodeTraffic from "../../attachment/traffic/NodeTraffic.ts"
import { defaultLogOptions } from "../../cni/network/LogOptions.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import * as AsyncFiles from "../../platform/async/AsyncFiles.ts"
import * as BunEdges from "../../platform/bun/BunEdges.ts"
import { compileAsUsual } from "../../platform/bun/BunJit.ts"
import type { Edges } from "../../platform/Edges.ts"
import * as Log from "../../program/Log.ts"
import { withPluginPath } from "../input/AttachmentFlags.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { CommandLineError } from "../text/CommandLineError.ts"
import { socketAsked } from "./AgentThere.ts"
import { healingStatus } from "./PerformHeal.ts"

interface AgentOptions {
  readonly socket: Option.Option<string>
  readonly stateDir: string
  readonly cniPath: Option.Option<string>
  readonly repair: Policy["repair"]
  readonly every: Option.Option<Duration.Duration>
  readonly metrics: Option.Option<Address>
  readonly events: "on" | "off"
}

const edges = BunEdges.layer.pipe(Layer.merge(AsyncFiles.layer()), Layer.merge(AsyncFiles.namespaces()))

/** The agent's own log. A call's lines have its network's level, and go where they go without an agent. */
const log = Log.layer({ ...defaultLogOptions, level: "Info" })

export const perform = Effect.fnUntraced(function* (options: AgentOptions) {
  const socket = yield* socketAsked(options.socket)
  // Being stopped is the normal end.
  process.exitCode = 0
  compileAsUsual()
  const { variables } = yield* InvocationContext
  const serving = Effect.gen(function* () {
    const meter = Meter.make(variables)
    const switches = yield* Switches.make(engineFor)
    const observer = options.events === "on" ? yield* withEvents(meter, switches, variables) : meter.observer
    const { first, last, used } = yield* healing(options, observer, switches)
    const services = yield* Effect.context<Edges | Records>()
    const { keepSweeping } = yield* Effect.promise(() => import("../../attachment/capture/Sweep.ts"))
    yield* keepSweeping(() => last()?.node.switches ?? [], mirrorsFor)
    return yield* agent({
      metrics: {
        meter,
        variables,
        traffic: Effect.provideContext(NodeTraffic.make(switches, [], variables), services),
        unusable: () => last()?.node.found.filter(({ kind }) => kind === "unusable").length ?? 0,
        address: Option.getOrUndefined(options.metrics)
      },
      socket,
      used,
      first: Effect.andThen(first, Effect.logInfo("the first round of healing is done")),
      healing: () => {
        const rounds = last()
        return rounds === undefined ? null : healingStatus(rounds)
      }
    })
  })
  yield* Effect.scoped(serving).pipe(
    Effect.provide(Otlp.traces(variables)),
    onServices(options.stateDir),
    Effect.provide(edges),
    Effect.provide(log),
    Effect.tapError(() =>
      Effect.sync(() => {
        process.exitCode = 1
      })
    ),
    Effect.mapError(({ answer, cure }) => new CommandLineError({ failed: "cannot serve calls", answer, cure }))
  )
})

/** Writes events of pods until the scope ends. */
const withEvents = Effect.fnUntraced(function* (
  { event, observer }: Meter.Meter,
  switches: Switches.Switches,
  variables: Variables
) {
  const tell = yield* Events.make(switches, variables, event)
  const both: Observer = {
    ...observer,
    round: (round, last) => {
      observer.round(round, last)
      tell.round(round, last)
    },
    end: tell.end
  }
  return both
})

/** Runs beside the calls until the scope ends. */
const healing = Effect.fnUntraced(function* (
  { cniPath, every, repair }: AgentOptions,
  observer: Observer,
  switches: Switches.Switches
) {
  const { variables: own } = yield* InvocationContext
  return yield* keep({
    switches,
    observer,
    variables: withPluginPath({ cniPath }, own),
    repair,
    dry: false,
    watch: watchFor,
    every: Option.getOrElse(every, () => Duration.minutes(5))
  })
})
