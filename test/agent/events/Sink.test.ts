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

describe("an API server that does not answer", () => {
  const flood = (sink: Sink.Sink, count: number) =>
    Effect.forEach(
      Array.from({ length: count }, (_, n) => n),
      (n) =>
        sink.offer("/etc/kubeconfig", {
          kind: "Attached",
          pod: { namespace: "default", name: `p${n}`, uid },
          note: "."
        })
    )

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
      yield* world.resident(() =>
        Effect.scoped(
          Effect.gen(function* () {
            const sink = yield* Sink.make
            yield* flood(sink, 100)
            yield* TestClock.adjust("1 minute")
            assert.strictEqual(world.posts, 1)
            world.answer = () => undefined
            yield* TestClock.adjust("10 seconds")
            assert.strictEqual(world.posts, 1)
            yield* flood(sink, 2)
            yield* TestClock.adjust("1 second")
            assert.deepStrictEqual(world.kinds(), ["Attached", "Attached"])
          })
        )
      )
    })
  )

  it.effect("is waited for by a limited number of events", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      const held = yield* Deferred.make<HttpsResponse>()
      world.answer = () => Deferred.await(held)
      yield* world.resident(() =>
        Effect.scoped(
          Effect.gen(function* () {
            const sink = yield* Sink.make
            yield* flood(sink, 1)
            yield* until(() => world.posts === 1)
            yield* flood(sink, 1000)
            world.answer = () => undefined
            yield* Deferred.succeed(held, { status: 201, retryAfter: undefined, body: "{}" })
            yield* until(() => world.events.length >= 256)
            assert.lengthOf(world.events, 256)
          })
        )
      )
    })
  )
})
