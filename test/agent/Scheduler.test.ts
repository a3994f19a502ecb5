/** When calls of the agent run. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { make } from "../../src/agent/Scheduler.ts"
import { type AnyAsked, readRequest } from "../../src/cni/Request.ts"

const asked = Effect.fnUntraced(function* (containerId: string, socket: string) {
  const variables = {
    CNI_COMMAND: "DEL",
    CNI_CONTAINERID: containerId,
    CNI_IFNAME: "net1",
    CNI_NETNS: "",
    CNI_PATH: "/x"
  }
  const host = { engine: "ovs-dpdk", iftype: "vhostuser", socket }
  return yield* Effect.fromResult(
    readRequest(variables, JSON.stringify({ cniVersion: "1.0.0", type: "userspace", name: "n", host })).asked
  )
})

describe("the agent's scheduler", () => {
  const world = Effect.fnUntraced(function* (perSwitch: number) {
    const scheduler = make(perSwitch)
    const began: Array<string> = []
    const begin = Effect.fnUntraced(function* (name: string, call: AnyAsked) {
      const done = yield* Deferred.make<void>()
      const work = Effect.andThen(
        Effect.sync(() => began.push(name)),
        Deferred.await(done)
      )
      const fiber = yield* Effect.forkChild(scheduler(call)(work), { startImmediately: true })
      return { fiber, end: Effect.andThen(Deferred.succeed(done, undefined), Effect.yieldNow) }
    })
    return { began, begin }
  })

  it.effect("calls of one attachment run one at a time; calls of others run beside them", () =>
    Effect.gen(function* () {
      const { began, begin } = yield* world(64)
      const a = yield* asked("a", "/s")
      const first = yield* begin("first", a)
      const second = yield* begin("second", a)
      yield* begin("other", yield* asked("b", "/s"))
      assert.deepStrictEqual(began, ["first", "other"])
      yield* first.end
      yield* Fiber.join(first.fiber)
      yield* Effect.yieldNow
      assert.deepStrictEqual(began, ["first", "other", "second"])
      yield* Fiber.interrupt(second.fiber)
    })
  )

  it.effect("a slow switch delays only its own calls, which run in the order in which they came", () =>
    Effect.gen(function* () {
      const { began, begin } = yield* world(2)
      const slow = ["a", "b", "c", "d", "e"]
      const running: Array<Effect.Success<ReturnType<typeof begin>>> = []
      for (const id of slow) running.push(yield* begin(id, yield* asked(id, "/slow")))
      yield* begin("elsewhere", yield* asked("f", "/fast"))
      assert.deepStrictEqual(began, ["a", "b", "elsewhere"])
      // A caller that gave up is not waited for.
      const [a, b, c] = running
      if (a === undefined || b === undefined || c === undefined) return assert.fail()
      yield* Fiber.interrupt(c.fiber)
      for (const one of [a, b]) {
        yield* one.end
        yield* Fiber.join(one.fiber)
      }
      yield* Effect.yieldNow
      assert.deepStrictEqual(began, ["a", "b", "elsewhere", "d", "e"])
    })
  )
})
