/** An API server that refuses events, or does not answer: it is left alone for a while, and nothing waits for it. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Sink from "../../../src/agent/events/Sink.ts"
import type { HttpsResponse } from "../../../src/platform/Https.ts"
import { asked, uid } from "../../kubernetes/support/PodWorld.ts"
import { EventWorld, running, until } from "./support/EventWorld.ts"

const refusal = (status: number, message: string) => () =>
  Effect.succeed({ status, retryAfter: undefined, body: JSON.stringify({ kind: "Status", message }) })

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
          assert.deepStrictEqual(world.kinds(), ["Attached"])
          // Nobody has looked for ten minutes: it has to be seen for one.
          yield* looks(6)
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

const kubeconfig = "/etc/kubeconfig"
const attached = (name: string, namespace = "default", note = ".") =>
  ({ kind: "Attached", pod: { namespace, name, uid }, note }) as const

const flood = (sink: Sink.Sink, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) => sink.offer(kubeconfig, attached(`p${n}`))
  )

/** Lets a sink work on this world. */
const sinking = <A, E>(world: EventWorld, self: (sink: Sink.Sink) => Effect.Effect<A, E>) =>
  world.resident(() => Effect.scoped(Effect.flatMap(Sink.make(world.count), self)))

const counts = ({ counted }: EventWorld): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(counted, (one) => one)].map(([one, all]) => [one, all.length]))

describe("an API server that refuses", () => {
  it.effect("in one namespace gets the events of the others", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      const quota = "exceeded quota: objects, requested: count/events=1, used: count/events=9, limited: count/events=9"
      yield* sinking(world, (sink) =>
        Effect.gen(function* () {
          world.answer = refusal(403, quota)
          yield* sink.offer(kubeconfig, attached("a", "full"))
          yield* until(() => world.posts === 1)
          world.answer = () => undefined
          assert.deepStrictEqual(
            [yield* sink.isOff(kubeconfig, "full"), yield* sink.isOff(kubeconfig, "free")],
            [true, false]
          )
          yield* sink.offer(kubeconfig, attached("b", "free"))
          yield* until(() => world.events.length === 1)
          // What is accepted elsewhere does not make the same refusal new.
          yield* TestClock.adjust("10 minutes")
          world.answer = refusal(403, quota)
          yield* sink.offer(kubeconfig, attached("c", "full"))
          yield* until(() => world.posts === 3)
          assert.lengthOf(
            world.log.filter((line) => line.includes("create an event")),
            1
          )
        })
      )
    })
  )

  for (const [status, lines] of [
    [401, 1],
    [429, 0],
    [503, 0]
  ] as const) {
    it.effect(`with ${status} is asked again after a minute: tokens are renewed, and it comes back`, () =>
      Effect.gen(function* () {
        const world = new EventWorld()
        yield* sinking(world, (sink) =>
          Effect.gen(function* () {
            world.answer = refusal(status, "no")
            yield* flood(sink, 3)
            yield* until(() => world.counted.length === 3)
            assert.deepStrictEqual(counts(world), { "Attached refused": 1, "Attached dropped": 2 })
            world.answer = () => undefined
            yield* TestClock.adjust("59 seconds")
            assert.isTrue(yield* sink.isOff(kubeconfig, "default"))
            yield* TestClock.adjust("1 second")
            assert.isFalse(yield* sink.isOff(kubeconfig, "default"))
            yield* flood(sink, 1)
            yield* until(() => world.events.length === 1)
            assert.lengthOf(
              world.log.filter((line) => line.includes("create an event")),
              lines
            )
          })
        )
      })
    )
  }

  for (const [status, message] of [
    [404, 'namespaces "default" not found'],
    [409, 'events.events.k8s.io "p0.0" already exists'],
    [403, "unable to create new content in namespace default because it is being terminated"]
  ] as const) {
    it.effect(`with ${status}, ${message}: it is nobody's concern`, () =>
      Effect.gen(function* () {
        const world = new EventWorld()
        yield* sinking(world, (sink) =>
          Effect.gen(function* () {
            world.answer = refusal(status, message)
            yield* flood(sink, 2)
            yield* until(() => world.counted.length === 2)
            assert.deepStrictEqual(counts(world), { "Attached refused": 2 })
            assert.isFalse(yield* sink.isOff(kubeconfig, "default"))
            assert.notInclude(world.log.join(), "create an event")
          })
        )
      })
    )
  }

  it.effect("one event as invalid gets the others, and is in the log once", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* sinking(world, (sink) =>
        Effect.gen(function* () {
          world.answer = refusal(422, "note: too long")
          yield* flood(sink, 2)
          yield* until(() => world.posts === 2)
          assert.lengthOf(
            world.log.filter((line) => line.includes("422: note: too long")),
            1
          )
        })
      )
    })
  )
})

describe("one of a kind and pod in a minute", () => {
  it.effect("is sent; what is offered again and again meanwhile is counted once", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* sinking(world, (sink) =>
        Effect.gen(function* () {
          for (const note of ["net1", "net2", "net2", "net2", "net2 and net3"])
            yield* sink.offer(kubeconfig, attached("web", "default", note))
          yield* until(() => world.events.length === 1)
          assert.deepStrictEqual(counts(world), { "Attached limited": 2, "Attached posted": 1 })
          yield* TestClock.adjust("1 minute")
          assert.isTrue(yield* sink.offer(kubeconfig, attached("web", "default", "net2")))
        })
      )
    })
  )
})

describe("an API server that does not answer", () => {
  it.effect("holds up no round", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      world.answer = () => Effect.never
      yield* world.add(asked)
      yield* TestClock.adjust("1 second")
      yield* running(world, ({ round }) =>
        Effect.gen(function* () {
          for (let n = 0; n < 3; n++) {
            world.ovs.empty()
            const { found } = yield* round()
            assert.strictEqual(found[0]?.outcome._tag, "Done")
          }
          yield* until(() => world.posts === 1)
        })
      )
    })
  )

  it.effect("gets one request in a minute, and what waited is dropped", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      world.answer = () => Effect.never
      yield* sinking(world, (sink) =>
        Effect.gen(function* () {
          yield* flood(sink, 100)
          yield* TestClock.adjust("1 minute")
          assert.strictEqual(world.posts, 1)
          world.answer = () => undefined
          yield* TestClock.adjust("10 seconds")
          assert.strictEqual(world.posts, 1)
          yield* flood(sink, 2)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(world.kinds(), ["Attached", "Attached"])
          assert.deepStrictEqual(counts(world), {
            "Attached failed": 1,
            "Attached dropped": 99,
            "Attached posted": 2
          })
        })
      )
    })
  )

  it.effect("is waited for by a limited number of events", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      const held = yield* Deferred.make<HttpsResponse>()
      world.answer = () => Deferred.await(held)
      yield* sinking(world, (sink) =>
        Effect.gen(function* () {
          yield* flood(sink, 1)
          yield* until(() => world.posts === 1)
          yield* flood(sink, 1000)
          world.answer = () => undefined
          yield* Deferred.succeed(held, { status: 201, retryAfter: undefined, body: "{}" })
          yield* until(() => world.events.length >= 256)
          assert.lengthOf(world.events, 256)
          // The first one is with the API server, and one of the same pod comes again.
          assert.deepStrictEqual(counts(world), {
            "Attached limited": 1,
            "Attached dropped": 1000 - 1 - 256,
            "Attached posted": 257
          })
        })
      )
    })
  )
})
