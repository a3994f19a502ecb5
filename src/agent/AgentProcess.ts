/** The process of the agent: serves calls and heals, on the edges of a process of many calls. */

import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { engineFor, services } from "../app/Composition.ts"
import { mirrorsFor, watchFor } from "../app/SwitchViews.ts"
import type { Policy } from "../attachment/heal/Decide.ts"
import { healingStatus } from "../attachment/heal/Healed.ts"
import { keep, type Observer } from "../attachment/heal/Keep.ts"
import * as Switches from "../attachment/node/Switches.ts"
import type { Records } from "../attachment/records/Records.ts"
import * as NodeTraffic from "../attachment/traffic/NodeTraffic.ts"
import { defaultLogOptions } from "../cni/network/LogOptions.ts"
import type { Variables } from "../cni/types/Environment.ts"
import type { Resources } from "../devices/Resources.ts"
import * as AsyncFiles from "../platform/async/AsyncFiles.ts"
import * as BunEdges from "../platform/bun/BunEdges.ts"
import { compileAsUsual } from "../platform/bun/BunJit.ts"
import type { Edges } from "../platform/Edges.ts"
import * as Log from "../program/Log.ts"
import { agent } from "./Agent.ts"
import * as Events from "./events/Events.ts"
import type { Address } from "./metrics/Endpoint.ts"
import * as Meter from "./metrics/Meter.ts"
import * as Otlp from "./metrics/Otlp.ts"
import type * as NodeObject from "./node-object/NodeObject.ts"

interface Options {
  readonly socket: string
  readonly stateDir: string
  /** Its environment, with the directories of IPAM plugins. */
  readonly variables: Variables
  readonly repair: Policy["repair"]
  /** Pause between two full rounds of healing. */
  readonly every: Duration.Duration
  /** For metrics over TCP. */
  readonly metrics: Address | undefined
  /** True: writes events of pods. */
  readonly events: boolean
  /** What pods can ask kubelet for. */
  readonly devices: Resources | undefined
  /** The node's name and a kubeconfig, for what is written of it in the cluster. */
  readonly node: { readonly name: string; readonly kubeconfig: string } | undefined
}

const edges = BunEdges.layer.pipe(Layer.merge(AsyncFiles.layer()), Layer.merge(AsyncFiles.namespaces()))

/** The agent's own log. A call's lines have its network's level, and go where they go without an agent. */
const log = Log.layer({ ...defaultLogOptions, level: "Info" })

/** Runs until it is interrupted. */
export const run = Effect.fnUntraced(function* (options: Options) {
  const { variables } = options
  compileAsUsual()
  const serving = Effect.gen(function* () {
    const meter = Meter.make(variables)
    const switches = yield* Switches.make(engineFor)
    const events = options.events ? yield* withEvents(meter, switches, variables) : meter.observer
    const devices = options.devices === undefined ? undefined : yield* nodeDevices(options.devices, options.stateDir)
    const object =
      options.node === undefined
        ? undefined
        : yield* nodeObject({ ...options.node, switches, variables, devices: devices?.counts ?? Effect.succeed([]) })
    const told = devices === undefined ? events : withDevices(events, devices.news)
    const observer = object === undefined ? told : withObject(told, object.observer)
    const { first, last, used } = yield* healing(options, observer, switches)
    const services = yield* Effect.context<Edges | Records>()
    const { keepSweeping } = yield* Effect.promise(() => import("../attachment/capture/Sweep.ts"))
    yield* keepSweeping(() => last()?.node.switches ?? [], mirrorsFor)
    return yield* agent({
      metrics: {
        meter: object === undefined ? meter : countingFor(meter, object.changed),
        variables,
        devices: devices?.counts,
        traffic: Effect.provideContext(NodeTraffic.make(switches, [], variables), services),
        unusable: () => last()?.node.found.filter(({ kind }) => kind === "unusable").length ?? 0,
        address: options.metrics
      },
      socket: options.socket,
      used,
      first: Effect.andThen(first, Effect.logInfo("the first round of healing is done")),
      healing: () => {
        const rounds = last()
        return rounds === undefined ? null : healingStatus(rounds)
      }
    })
  })
  return yield* Effect.scoped(serving).pipe(
    Effect.provide(Otlp.traces(variables)),
    Effect.provide(services(options.stateDir)),
    Effect.provide(edges),
    Effect.provide(log)
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

/** Serves devices to kubelet until the scope ends. Loaded where there are any. */
const nodeDevices = (devices: Resources, stateDir: string) =>
  Effect.flatMap(
    Effect.promise(() => import("./NodeDevices.ts")),
    ({ make }) => make(devices, stateDir)
  )

/** Keeps the object of this node until the scope ends. */
const nodeObject = (options: Parameters<typeof NodeObject.make>[0]) =>
  Effect.flatMap(
    Effect.promise(() => import("./node-object/NodeObject.ts")),
    ({ make }) => make(options)
  )

const withObject = (observer: Observer, also: Pick<Observer, "news" | "round">): Observer => ({
  ...observer,
  news: (at, news) => {
    observer.news(at, news)
    also.news(at, news)
  },
  round: (round, last) => {
    observer.round(round, last)
    also.round(round, last)
  }
})

const reading = new Set(["CHECK", "STATUS", "VERSION"])

/** A call may have changed the attachments. */
const countingFor = (meter: Meter.Meter, changed: () => void): Meter.Meter => ({
  ...meter,
  answered: (call) => {
    meter.answered(call)
    if (!reading.has(call.verb)) changed()
  }
})

const withDevices = (observer: Observer, also: Observer["news"]): Observer => ({
  ...observer,
  news: (at, news) => {
    observer.news(at, news)
    also(at, news)
  }
})

/** Runs beside the calls until the scope ends. */
const healing = ({ devices, every, repair, variables }: Options, observer: Observer, switches: Switches.Switches) =>
  keep({
    ...{ switches, observer, variables, repair, dry: false, watch: watchFor, every },
    also: devices?.resources.map(({ at }) => at) ?? []
  })
