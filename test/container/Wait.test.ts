/**
 * Waiting for the effects of ADD, on real files that appear meanwhile; at the deadline, the missing ones are listed.
 */
import { mkdirSync, rmSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Fiber, Layer, Queue } from "effect"
import { TestClock } from "effect/testing"
import { type Expected, wait } from "../../src/container/Wait.ts"
import { Changes } from "../../src/platform/Changes.ts"
import { containerd, filesWith, unnamed } from "./support/Mounts.ts"
import { configurationData, containerId, element, listening, type Pod, pod } from "./support/Pod.ts"

const edges = Layer.mergeAll(unnamed, Changes.layer)

const waiting = ({ places }: Pod, expected: Expected, timeout: Duration.Input = "20 seconds") =>
  Effect.provide(wait(places, expected, timeout), edges)

const any: Expected = { names: [] }

const byApplication = (name: string) => element(name)
const bySwitch = (name: string) => element(name, { vhost: { mode: "client", socketfile: `${name}.sock` } })

const names = ({ interfaces }: { readonly interfaces: ReadonlyArray<{ readonly name: string }> }) =>
  interfaces.map(({ name }) => name)

/** It checks after each of these and continues, and ends with the last. */
const throughout = Effect.fnUntraced(function* <R>(
  there: Pod,
  expected: Expected,
  steps: ReadonlyArray<Effect.Effect<unknown, never, R>>,
  mountinfo = ""
) {
  const rounds = yield* Queue.make<void>()
  const watched = Layer.effect(
    Changes,
    Effect.map(Changes, ({ watch }) =>
      Changes.of({ watch: (directories) => Effect.tap(watch(directories), () => Queue.offer(rounds, undefined)) })
    )
  ).pipe(Layer.provide(Changes.layer))
  const fiber = yield* wait(there.places, expected, "20 seconds").pipe(
    Effect.provide(Layer.merge(filesWith(mountinfo), watched)),
    Effect.forkChild({ startImmediately: true })
  )
  for (const [index, step] of steps.entries()) {
    yield* step
    if (index === steps.length - 1) break
    // The round that may have begun before, and one that has begun and ended since.
    yield* Queue.clear(rounds)
    for (let round = 0; round < 2; round++) yield* Queue.take(rounds)
    assert.isUndefined(fiber.pollUnsafe())
  }
  return yield* Fiber.join(fiber)
})

// It polls twice a second.
describe.concurrent("waits for", () => {
  it.live("annotations that kubelet updates", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const found = yield* throughout(there, { names: ["net2"] }, [
        Effect.sync(() => there.annotate({ other: "x" })),
        Effect.sync(() => there.annotate(configurationData(byApplication("net1")))),
        Effect.sync(() => there.annotate(configurationData(byApplication("net1"), byApplication("net2"))))
      ])
      assert.deepStrictEqual(names(found), ["net2"])
    })
  )

  it.live("files that are written in pieces", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const text = JSON.stringify(byApplication("net1"))
      const found = yield* throughout(there, any, [
        Effect.sync(() => there.put("configData-a.json", text.slice(0, 40))),
        Effect.sync(() => there.put("configData-a.json", text))
      ])
      assert.deepStrictEqual(names(found), ["net1"])
      assert.deepStrictEqual(found.problems, [])
    })
  )

  it.live("the socket that the switch creates, not for the application's", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const found = yield* throughout(there, { names: [], count: 2 }, [
        Effect.sync(() => there.annotate(configurationData(bySwitch("net1"), byApplication("net2")))),
        listening(`${there.directory}/net1.sock`)
      ])
      assert.deepStrictEqual(names(found), ["net1", "net2"])
    }).pipe(Effect.scoped)
  )

  it.live("the expected number of interfaces", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const put = (name: string) =>
        Effect.sync(() => there.put(`configData-${name}.json`, JSON.stringify(byApplication(name))))
      const found = yield* throughout(there, { names: [], count: 3 }, [put("net1"), put("net2"), put("net3")])
      assert.strictEqual(found.interfaces.length, 3)
    })
  )

  it.live("a given number, and returns those", () =>
    Effect.gen(function* () {
      const there = yield* pod
      there.annotate(configurationData(bySwitch("net1"), byApplication("net2")))
      assert.deepStrictEqual(names(yield* waiting(there, { names: [], count: 1 }, "1 millis")), ["net2"])
      assert.deepStrictEqual(names(yield* waiting(there, { names: ["net2"], count: 1 }, "1 millis")), ["net2"])
      const named = yield* Effect.flip(waiting(there, { names: ["net1", "net2"] }, "1 millis"))
      assert.notInclude(named.message, "interfaces are ready")
      const more = yield* Effect.flip(waiting(there, { names: ["net2"], count: 2 }, "1 millis"))
      assert.include(more.message, "1 of 2 interfaces are ready")
      const error = yield* Effect.flip(waiting(there, any, "1 millis"))
      assert.include(error.message, "net1.sock: the switch has not created it")
      assert.include(error.cure, "userspace list")
    })
  )

  it.live("a directory that is mounted late, without an event", () =>
    Effect.gen(function* () {
      const there = yield* pod
      rmSync(there.directory, { recursive: true })
      const found = yield* throughout(there, any, [
        Effect.sync(() => mkdirSync(there.directory)),
        Effect.sync(() => there.put("configData-a.json", JSON.stringify(byApplication("net1"))))
      ])
      assert.deepStrictEqual(names(found), ["net1"])
    })
  )

  it.live("the elements of its own sandbox, when the annotations still describe the one before", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const id = "1234567890abcdef".repeat(4)
      const before = element("net1", { mac: "02:00:00:00:00:aa" }, { containerId: "f".repeat(64) })
      const own = element("net1", {}, { containerId: id })
      // Multus' status is the earlier sandbox's as well: it names the old socket.
      const device = { type: "vhost-user", "vhost-user": { mode: "server", path: `${there.directory}/old` } }
      const status = JSON.stringify([{ name: "default/ovs", interface: "net1", "device-info": device }])
      const old = { ...configurationData(before), "k8s.v1.cni.cncf.io/network-status": status }
      const byAnnotation = yield* throughout(
        there,
        { names: ["net1"] },
        [Effect.sync(() => there.annotate(old)), Effect.sync(() => there.annotate(configurationData(before, own)))],
        containerd(id)
      )
      assert.strictEqual(byAnnotation.interfaces[0]?.containerId, id)
      const another = yield* pod
      const byFile = yield* throughout(
        another,
        any,
        [
          Effect.sync(() => another.annotate(old)),
          Effect.sync(() => another.put("configData-a.json", JSON.stringify(own)))
        ],
        containerd(id)
      )
      assert.deepStrictEqual(
        byFile.interfaces.map(({ containerId, mac }) => [containerId, mac]),
        [[id, "02:00:00:00:00:01"]]
      )
    })
  )

  it.live("nothing when all is there", () =>
    Effect.gen(function* () {
      const there = yield* pod
      there.annotate(configurationData(byApplication("net1")))
      assert.deepStrictEqual(names(yield* waiting(there, any, "1 millis")), ["net1"])
    })
  )
})

describe("gives up", () => {
  it.live("at its deadline, and lists what is missing, what is there, and where it searched", () =>
    Effect.gen(function* () {
      const there = yield* pod
      there.annotate(configurationData(bySwitch("net1"), byApplication("net2")))
      there.put("configData-b.json", "{")
      const expected: Expected = { names: ["net1", "net2", "net3"], count: 3 }
      const error = yield* Effect.flip(waiting(there, expected, "50 millis"))
      assert.include(error.message, "within 50ms")
      assert.include(error.message, "net3: no configuration yet")
      assert.include(error.message, `net1: ${there.directory}/net1.sock: the switch has not created it`)
      assert.notInclude(error.message, "net2:")
      assert.include(error.message, "1 of 3 interfaces")
      assert.include(error.cure, "Only net1, net2 can be found here")
      assert.include(error.message, `annotations ${there.places.annotations}`)
      assert.include(error.message, "configData-b.json: not JSON")
    })
  )

  it.live("when there are several containers and none is named", () =>
    Effect.gen(function* () {
      const there = yield* pod
      there.put("configData-a.json", JSON.stringify(byApplication("net1")))
      there.put("configData-b.json", JSON.stringify(element("net1", {}, { containerId: "other" })))
      const error = yield* Effect.flip(waiting(there, any, "50 millis"))
      assert.include(error.message, `several containers (${containerId}, other)`)
    })
  )
})

it.effect("polls when no event comes, and checks at once when one does", () =>
  Effect.gen(function* () {
    const there = yield* pod
    const looks = yield* Queue.make<ReadonlyArray<string>>()
    const events = yield* Queue.make<void>()
    const told = Layer.succeed(
      Changes,
      Changes.of({
        watch: (directories) => Effect.as(Queue.offer(looks, directories), Queue.take(events).pipe(Effect.orDie))
      })
    )
    const fiber = yield* wait(there.places, any, "1 hour").pipe(
      Effect.provide(Layer.merge(unnamed, told)),
      Effect.forkChild({ startImmediately: true })
    )
    assert.include(yield* Queue.take(looks), there.directory)
    yield* TestClock.adjust("500 millis")
    yield* Queue.take(looks)
    there.put("configData-a.json", JSON.stringify(byApplication("net1")))
    yield* Queue.offer(events, undefined)
    yield* TestClock.adjust("20 millis")
    assert.deepStrictEqual(names(yield* Fiber.join(fiber)), ["net1"])
  })
)
