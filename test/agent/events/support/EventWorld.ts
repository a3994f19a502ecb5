/** A node in memory whose agent writes events, and a cluster that takes them as the API server does. */
import { type Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Events from "../../../../src/agent/events/Events.ts"
import type { Count } from "../../../../src/agent/events/PodEvent.ts"
import { type Memory, nothing } from "../../../../src/attachment/heal/Decide.ts"
import type { End } from "../../../../src/attachment/heal/Ends.ts"
import { type OfSwitch, type Options, ofSwitch } from "../../../../src/attachment/heal/Round.ts"
import type { Control } from "../../../../src/cni/network/HostPort.ts"
import { portName } from "../../../../src/identity/Attachment.ts"
import { Https, type HttpsRequest, type HttpsResponse } from "../../../../src/platform/Https.ts"
import { turn } from "../../../../src/platform/Sockets.ts"
import { runDir, stateDir } from "../../../attachment/support/World.ts"
import { createdEvent, eventsPath } from "../../../kubernetes/support/EventStore.ts"
import { decode, type Json } from "../../../kubernetes/support/PodStore.ts"
import { PodWorld } from "../../../kubernetes/support/PodWorld.ts"
import { untilTrue } from "../../../support/Until.ts"

const variables = { CNI_PATH: "/opt/cni/bin" }
const ovs: Control = { engine: "ovs-dpdk", control: `${runDir}/db.sock` }
const containerId = "0958c8871b32cafe"
export const port = portName({ network: "net", containerId, ifName: "net1" })

/** A cluster that takes events as long as `answer` has nothing else to say. */
export class EventWorld extends PodWorld {
  readonly events: Array<Json> = []
  posts = 0
  /** How long the switch takes for an answer. */
  slow: Duration.Input = 0
  /** `Attached posted`, of each event. */
  readonly counted: Array<string> = []
  readonly count: Count = (kind, result) => void this.counted.push(`${kind} ${result}`)
  answer: () => Effect.Effect<HttpsResponse> | undefined = () => undefined

  constructor() {
    super()
    const { send } = this.https
    this.https = Https.of({
      send: (request) => (request.method === "POST" ? this.post(request) : send(request))
    })
  }

  private post({ body = "", url }: HttpsRequest): Effect.Effect<HttpsResponse> {
    this.posts++
    const other = this.answer()
    if (other !== undefined) return other
    const [, namespace = ""] = eventsPath.exec(new URL(url).pathname) ?? []
    const event = createdEvent(namespace, decode(body))
    this.events.push(event)
    return Effect.succeed({ status: 201, retryAfter: undefined, body })
  }

  /** `Attached net1: port usp...` */
  told(): ReadonlyArray<string> {
    return this.events.map(({ note, reason }) => `${reason} ${note}`)
  }

  kinds(): ReadonlyArray<unknown> {
    return this.events.map(({ reason }) => reason)
  }

  /** What ovs-vswitchd says when an application connects and leaves. */
  link(status: "connected" | "disconnected") {
    return this.ovs.transact([
      {
        op: "mutate",
        table: "Interface",
        where: [["name", "==", port]],
        mutations: [
          ["link_state", "delete", ["set", ["up", "down"]]],
          ["link_state", "insert", ["set", [status === "connected" ? "up" : "down"]]]
        ]
      }
    ])
  }
}

export interface Running {
  /** A round of healing, and its events. */
  readonly round: (memory?: Memory) => Effect.Effect<OfSwitch>
  /** The events of this round. */
  readonly tell: (round: OfSwitch) => void
  /** The event of this end of a switch. */
  readonly end: (end: End) => void
  /** Lets this many looks be made, each to its end. */
  readonly looks: (count: number) => Effect.Effect<void>
  /** How often the switch has answered. */
  readonly answers: () => number
}

/** Sockets and modules that are loaded take no time of the test's clock. */
export const until = (is: () => boolean) =>
  TestClock.withLive(untilTrue(String(is), is, { every: "1 millis" })).pipe(
    Effect.andThen(Effect.repeat(turn, { times: 5 })),
    Effect.asVoid,
    Effect.orDie
  )

export const running = <A, E>(world: EventWorld, self: (running: Running) => Effect.Effect<A, E>) => {
  let answers = 0
  // What the switch says is loaded on demand, which no clock of a test waits for.
  world.around = {
    Vswitch: Effect.map((own) => ({
      ...own,
      connections: (keys) =>
        Effect.ensuring(
          Effect.delay(own.connections(keys), world.slow),
          Effect.sync(() => {
            answers++
          })
        )
    }))
  }
  return world.resident((switches) =>
    Effect.scoped(
      Effect.gen(function* () {
        const isRecorded = world.below(`${stateDir}/attachments`).some((line) => line.includes(".json"))
        const { end, round: tell } = yield* Events.make(switches, variables, world.count)
        const context = yield* Effect.context<Effect.Services<ReturnType<typeof ofSwitch>>>()
        const options: Options = { switches, variables, repair: "missing", dry: false }
        const round: Running["round"] = (memory = nothing) =>
          ofSwitch(ovs, memory, options).pipe(
            Effect.tap((done) => Effect.sync(() => tell(done, done))),
            Effect.provideContext(context)
          )
        const look = Effect.suspend(() => {
          const before = answers
          return Effect.andThen(
            TestClock.adjust("10 seconds"),
            until(() => answers > before)
          )
        })
        const looks: Running["looks"] = (count) => Effect.asVoid(Effect.repeat(look, { times: count - 1 }))
        yield* TestClock.adjust("1 second")
        if (isRecorded) yield* until(() => answers > 0)
        return yield* self({ round, tell: (round) => tell(round, round), end, looks, answers: () => answers })
      })
    )
  )
}
