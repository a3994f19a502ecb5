/**
 * The events of a pod on a node in memory, as its API server receives them: what happens to its attachments, once and
 * not too often, and nothing that holds anything else up.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Events from "../../../src/agent/events/Events.ts"
import { nothing } from "../../../src/attachment/heal/Decide.ts"
import { type OfSwitch, type Options, ofSwitch } from "../../../src/attachment/heal/Round.ts"
import type { Control } from "../../../src/cni/network/HostPort.ts"
import { portName } from "../../../src/identity/Attachment.ts"
import { Https, type HttpsRequest, type HttpsResponse } from "../../../src/platform/Https.ts"
import { turn } from "../../../src/platform/Within.ts"
import { runDir, stateDir, type Wrap } from "../../attachment/support/World.ts"
import { createdEvent, eventsPath } from "../../kubernetes/support/EventStore.ts"
import { at, decode, type Json } from "../../kubernetes/support/PodStore.ts"
import { asked, conf, PodWorld, uid } from "../../kubernetes/support/PodWorld.ts"

const variables = { CNI_PATH: "/opt/cni/bin" }
const ovs: Control = { engine: "ovs-dpdk", control: `${runDir}/db.sock` }
const containerId = "0958c8871b32cafe"
const port = portName({ network: "net", containerId, ifName: "net1" })

/** A cluster that takes events as long as `answer` has nothing else to say. */
class EventWorld extends PodWorld {
  readonly events: Array<Json> = []
  posts = 0
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
          ["status", "delete", ["set", ["status"]]],
          ["status", "insert", ["map", [["status", status]]]]
        ]
      }
    ])
  }
}

interface Running {
  /** A round of healing, and its events. */
  readonly round: Effect.Effect<OfSwitch>
  /** Lets this many looks be made, each to its end. */
  readonly looks: (count: number) => Effect.Effect<void>
  /** How often the switch has answered. */
  readonly answers: () => number
}

/** Counts the switch's answers: what it says is loaded on demand, which no clock of a test waits for. */
const counting =
  (answered: () => void): Wrap =>
  (name, service) =>
    name === "Vswitch" && "traffic" in service && Effect.isEffect(service.traffic)
      ? { ...service, traffic: Effect.ensuring(service.traffic, Effect.sync(answered)) }
      : service

const until = (is: () => boolean) => {
  const deadline = performance.now() + 20_000
  return turn.pipe(
    Effect.repeat({
      until: () => {
        if (performance.now() > deadline) assert.fail("it does not come")
        return is()
      }
    }),
    Effect.andThen(Effect.repeat(turn, { times: 5 })),
    Effect.asVoid
  )
}

const running = <A, E>(world: EventWorld, self: (running: Running) => Effect.Effect<A, E>) => {
  let answers = 0
  return world.resident(
    (switches) =>
      Effect.scoped(
        Effect.gen(function* () {
          const isRecorded = world.below(`${stateDir}/attachments`).some((line) => line.includes(".json"))
          const tell = yield* Events.make(switches, variables)
          const context = yield* Effect.context<Effect.Services<ReturnType<typeof ofSwitch>>>()
          const options: Options = { switches, variables, repair: "missing", dry: false }
          const round = ofSwitch(ovs, nothing, options).pipe(
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
          return yield* self({ round, looks, answers: () => answers })
        })
      ),
    counting(() => {
      answers++
    })
  )
}

const refusal = (status: number, message: string) => () =>
  Effect.succeed({ status, retryAfter: undefined, body: JSON.stringify({ kind: "Status", message }) })

describe("events of a pod", () => {
  it.effect("tell of a new attachment, with its port, and of its application", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* running(world, ({ looks }) =>
        Effect.gen(function* () {
          yield* world.add(asked)
          yield* world.link("disconnected")
          yield* looks(1)
          assert.deepStrictEqual(world.told(), [`Attached net1: port ${port} of network net on ovs-dpdk.`])
          const [event] = world.events
          assert.deepStrictEqual(event?.["regarding"], {
            apiVersion: "v1",
            kind: "Pod",
            namespace: "default",
            name: "web",
            uid
          })
          assert.deepInclude(event, { type: "Normal", action: "Attach", reportingController: "userspace-cni" })
          assert.match(String(at(event, "metadata")["name"]), /^web\.[0-9a-f]{8}$/)
          yield* looks(5)
          assert.lengthOf(world.events, 1)
          yield* looks(1)
          assert.match(
            world.told()[1] ?? "",
            /^NotConnected net1: port usp\w+ of network net: no application .*Start it/
          )
          assert.strictEqual(world.events[1]?.["type"], "Warning")
          yield* looks(12)
          assert.lengthOf(world.events, 2)
          yield* world.link("connected")
          yield* looks(1)
          assert.deepStrictEqual(world.kinds(), ["Attached", "NotConnected", "Connected"])
          // Shorter than a minute.
          yield* world.link("disconnected")
          yield* looks(5)
          yield* world.link("connected")
          yield* looks(12)
          assert.lengthOf(world.events, 3)
        })
      )
    })
  )

  it.effect("come once for all of a pod, and once a minute; what is still true is told later", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* running(world, ({ looks }) =>
        Effect.gen(function* () {
          const second = { ...asked, ifName: "net2" }
          const third = { ...asked, ifName: "net3" }
          for (const one of [asked, second]) yield* world.add(one)
          yield* looks(1)
          assert.match(world.told().join("\n"), /^Attached net1: [^\n]*; net2: [^\n]*\.$/)
          yield* world.add(third)
          yield* looks(5)
          assert.deepStrictEqual(world.kinds(), ["Attached"])
          yield* looks(1)
          assert.match(world.told().filter((one) => one.startsWith("Attached"))[1] ?? "", /^Attached net3: /)
        })
      )
    })
  )

  it.effect("do not repeat what happened before the agent started", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* world.add(asked)
      yield* world.link("connected")
      yield* TestClock.adjust("1 minute")
      yield* running(world, ({ looks }) =>
        Effect.gen(function* () {
          yield* looks(12)
          assert.deepStrictEqual(world.told(), [])
          yield* world.link("disconnected")
          yield* looks(7)
          assert.deepStrictEqual(world.kinds(), ["NotConnected"])
        })
      )
    })
  )

  it.effect("tell what healing did: a port that was lost, and an attachment whose sandbox is gone", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* world.add(asked)
      yield* TestClock.adjust("1 second")
      yield* running(world, ({ looks, round }) =>
        Effect.gen(function* () {
          world.ovs.empty()
          yield* round
          yield* looks(1)
          assert.match(world.told().join("\n"), /^Restored net1: .*; recreated: .*If the application does not connect/)
          world.namespace = () => "missing"
          const { memory } = yield* round
          assert.isAbove(memory.gone.size, 0)
          yield* looks(1)
          assert.deepStrictEqual(world.kinds(), ["Restored"])
        })
      )
    })
  )

  it.effect("tell once what somebody changed, and again when it was right in between", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* world.add(asked)
      yield* TestClock.adjust("1 second")
      const change = (by: "+=" | "-=") =>
        world.ovs.transact([
          { op: "mutate", table: "Port", where: [["name", "==", port]], mutations: [["tag", by, 2]] }
        ])
      yield* running(world, ({ looks, round }) =>
        Effect.gen(function* () {
          yield* change("+=")
          yield* round
          yield* TestClock.adjust("2 minutes")
          yield* round
          yield* looks(1)
          const differs = () => world.told().filter((one) => one.startsWith("Differs"))
          assert.deepStrictEqual(differs(), [
            `Differs net1: VLAN of port ${port} is 9, not 7. Revert the change, run \`userspace agent --once --repair all\` on the node, or delete the pod.`
          ])
          yield* change("-=")
          yield* round
          yield* change("+=")
          yield* round
          yield* looks(1)
          assert.lengthOf(differs(), 2)
        })
      )
    })
  )
})

describe("an account without the right", () => {
  it.effect("is logged once; nothing is asked for ten minutes; then the events come", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      world.answer = refusal(403, 'User "plugin" cannot create resource "events"')
      yield* running(world, ({ looks }) =>
        Effect.gen(function* () {
          yield* world.add(asked)
          yield* looks(1)
          assert.strictEqual(world.posts, 1)
          yield* world.add({ ...asked, ifName: "net2" })
          yield* TestClock.adjust("9 minutes")
          assert.strictEqual(world.posts, 1)
          yield* TestClock.adjust("50 seconds")
          yield* looks(1)
          assert.strictEqual(world.posts, 2)
          const lines = world.log.filter((line) => line.includes("create an event"))
          assert.lengthOf(lines, 1)
          assert.match(
            lines[0] ?? "",
            /default\/web on https:\/\/memory:6443: 403 .*Allow the user of \/etc\/kubeconfig to/
          )
          world.answer = () => undefined
          yield* world.add({ ...asked, ifName: "net3" })
          yield* TestClock.adjust("590 seconds")
          yield* looks(1)
          assert.deepStrictEqual(world.kinds(), ["Attached", "NotConnected"])
        })
      )
    })
  )

  it.effect("is not one whose pod's namespace is being deleted", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      const forbidden = "unable to create new content in namespace default because it is being terminated"
      world.answer = refusal(403, forbidden)
      yield* running(world, ({ looks }) =>
        Effect.gen(function* () {
          yield* world.add(asked)
          yield* looks(1)
          assert.strictEqual(world.posts, 1)
          world.answer = () => undefined
          yield* looks(7)
          assert.deepStrictEqual(world.kinds(), ["NotConnected"])
          assert.notInclude(world.log.join(), "create an event")
        })
      )
    })
  )
})

describe("an API server that does not answer", () => {
  it.effect("holds up nothing, and gets one request a minute", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      world.answer = () => Effect.never
      yield* world.add(asked)
      yield* TestClock.adjust("1 second")
      yield* running(world, ({ round }) =>
        Effect.gen(function* () {
          for (let n = 0; n < 100; n++) {
            world.ovs.empty()
            const { found } = yield* round
            assert.strictEqual(found[0]?.outcome._tag, "Done")
          }
          yield* TestClock.adjust("50 seconds")
          assert.strictEqual(world.posts, 1)
        })
      )
    })
  )
})

it.effect("attachments of a network without a kubeconfig have none, and their switch is not asked", () =>
  Effect.gen(function* () {
    const world = new EventWorld()
    const { kubeconfig: _, ...without } = conf
    yield* running(world, ({ answers, round }) =>
      Effect.gen(function* () {
        yield* world.add({ ...asked, conf: { ...without, sharedDir: "/shared" } })
        world.ovs.empty()
        yield* round
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual([world.posts, answers()], [0, 0])
      })
    )
  })
)
