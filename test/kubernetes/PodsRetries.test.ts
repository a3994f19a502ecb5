/**
 * An API server that is busy, breaks, or allows less: temporary failures are retried. `WholeCalls.test.ts` has the
 * requests of a role.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { KubernetesDeadlines, pauseAfter } from "../../src/kubernetes/ApiServer.ts"
import type { Reason } from "../../src/kubernetes/PodsError.ts"
import { untilTrue } from "../support/Until.ts"
import type { Fault } from "./support/ApiServer.ts"
import { bench, both, gives } from "./support/Bench.ts"
import { at } from "./support/PodStore.ts"

describe("retried", () => {
  it.live("a call without failures makes two requests", () =>
    Effect.gen(function* () {
      const { addition, annotations, asked } = yield* bench()
      yield* addition
      assert.deepStrictEqual(asked(), ["GET 200", "PUT status 200"])
      assert.deepStrictEqual(annotations(), both)
    })
  )

  const recovered: ReadonlyArray<readonly [string, ReadonlyArray<Fault>, ReadonlyArray<string>]> = [
    [
      "429 with Retry-After",
      [{ does: { status: 429, retryAfter: "0" }, times: 2 }],
      ["GET 429", "GET 429", "GET 200", "PUT status 200"]
    ],
    [
      "503 at the write",
      [{ method: "PUT", does: { status: 503 } }],
      ["GET 200", "PUT status 503", "GET 200", "PUT status 200"]
    ],
    ["500 at the read", [{ does: { status: 500 } }], ["GET 500", "GET 200", "PUT status 200"]],
    ["a connection that ends", [{ does: "hang up" }], ["GET 0", "GET 200", "PUT status 200"]],
    ["a write whose answer is lost", [{ method: "PUT", does: "lost" }], ["GET 200", "GET 200"]],
    [
      "409 at the write",
      [{ method: "PUT", does: { status: 409 } }],
      ["GET 200", "PUT status 409", "GET 200", "PUT status 200"]
    ]
  ]
  it.live.each(recovered)("%s", ([, faults, expected]) =>
    Effect.gen(function* () {
      const { addition, annotations, asked, server } = yield* bench()
      server.fail(...faults)
      yield* addition
      assert.deepStrictEqual(asked(), expected)
      assert.deepStrictEqual(annotations(), both)
    })
  )

  it.effect("one answer that never comes", () =>
    Effect.gen(function* () {
      const { addition, annotations, asked, server } = yield* bench()
      server.fail({ does: "silence" })
      const adding = yield* Effect.forkChild(
        Effect.provideService(addition, KubernetesDeadlines, { answer: 60, total: 600 })
      )
      yield* TestClock.withLive(untilTrue("a request", () => asked().length === 1))
      yield* TestClock.adjust("1 minute")
      // Its pause before the next attempt, beside which answers take no time of this clock.
      const passes = Effect.andThen(TestClock.adjust("100 millis"), TestClock.withLive(Effect.sleep("1 millis")))
      yield* Effect.repeat(passes, { until: () => adding.pollUnsafe() !== undefined })
      yield* Fiber.join(adding)
      assert.deepStrictEqual(asked(), ["GET 0", "GET 200", "PUT status 200"])
      assert.deepStrictEqual(annotations(), both)
    })
  )

  it.live("a status that somebody writes between read and write survives", () =>
    Effect.gen(function* () {
      const { addition, annotations, asked, pod, server } = yield* bench()
      server.beforeWrite(() => {
        const { resourceVersion: _, ...metadata } = at(server.pods.get(pod.namespace, pod.name), "metadata")
        const status = { ...at(metadata, "annotations"), "k8s.v1.cni.cncf.io/network-status": "[]" }
        const whole = { ...server.pods.get(pod.namespace, pod.name), metadata: { ...metadata, annotations: status } }
        server.pods.update(pod.namespace, pod.name, "status", whole)
      })
      yield* addition
      assert.deepStrictEqual(asked(), ["GET 200", "PUT status 409", "GET 200", "PUT status 200"])
      assert.deepStrictEqual(annotations(), { ...both, "k8s.v1.cni.cncf.io/network-status": "[]" })
    })
  )

  it("waits a little more than Retry-After, at least as long as without it", () => {
    const busy = (seconds?: number): Reason => ({
      _tag: "Busy",
      status: 429,
      said: "",
      ...(seconds === undefined ? {} : { seconds })
    })
    for (const wish of [undefined, 0, -3]) assert.strictEqual(pauseAfter(busy(wish), 0, 0), 100)
    assert.strictEqual(pauseAfter(busy(0), 9, 1), 2000)
    assert.strictEqual(pauseAfter(busy(1), 0, 0.5), 1150)
  })

  it.live("waits as long as Retry-After, and not at all when that is beyond the deadline", () =>
    Effect.gen(function* () {
      const { read, server } = yield* bench()
      server.fail({ does: { status: 429, retryAfter: "1" } })
      const began = performance.now()
      yield* read
      assert.isAtLeast(performance.now() - began, 990)
      server.fail({ does: { status: 429, retryAfter: "3600", message: "too many requests" } })
      gives(
        yield* Effect.flip(read),
        ErrorCodes.TryAgainLater,
        /read pod tests\/web on https:.*429: too many/,
        /Try again/
      )
    })
  )
})

describe("roles", () => {
  it.live("a patch of a changed pod is refused and made again", () =>
    Effect.gen(function* () {
      const { addition, asked, pod, server } = yield* bench()
      server.roles.set("plugin", ["get pods", "patch pods/status"])
      server.fail({ method: "PATCH", does: { status: 409 } })
      yield* addition
      assert.deepStrictEqual(asked().slice(3, 5), ["PATCH status 409", "GET 200"])
      assert.strictEqual(at(server.pods.get(pod.namespace, pod.name), "metadata")["uid"], pod.uid)
    })
  )

  it.live("no right to read, or to write: names the account, the action and the role", () =>
    Effect.gen(function* () {
      const { addition, server } = yield* bench()
      server.roles.set("plugin", ["get pods"])
      gives(
        yield* Effect.flip(addition),
        ErrorCodes.ApiServer,
        /annotate pod tests\/web on https:\/\/127.*403 Forbidden: pods "web" is forbidden: User "plugin" cannot update resource "pods\/status"/,
        /docs\/kubernetes\.md/
      )
      server.roles.set("plugin", [])
      gives(yield* Effect.flip(addition), ErrorCodes.ApiServer, /read pod .* cannot get resource "pods"/, /get pods/)
    })
  )
})
