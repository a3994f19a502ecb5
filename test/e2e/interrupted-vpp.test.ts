/**
 * An ADD on VPP that is interrupted. A stopped one disconnects from VPP before it closes; of a hundred killed ones, at
 * most as many were connected as VPP survives. On the VPP in TypeScript, which counts both, and hangs when a real one
 * would.
 */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Exit } from "effect"
import { until, untilTrue } from "../support/Until.ts"
import { callAll } from "./support/Crowd.ts"
import * as Plugin from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { onTypeScript, VppCniNode, VppInTypeScript } from "./support/VppCniNode.ts"
import { processes } from "./support/World.ts"

const bridged = { netType: "bridge", bridge: { bridgeName: "64" } }

/** Requests of an ADD in order, from its first inspection to its last step. */
const moments = [
  "sw_interface_dump",
  "memif_socket_filename_add_del_v2",
  "memif_create_v2",
  "sw_interface_tag_add_del",
  "bridge_domain_add_del_v2",
  "sw_interface_set_l2_bridge",
  "sw_interface_set_flags"
]

const disconnected = Effect.flatMap(VppInTypeScript, (server) =>
  untilTrue("the end of all connections", () => server.connected === 0, { every: "1 millis" })
)

/**
 * An ADD that is stopped at that moment: its answer, and how its connections ended, one of which may be the rollback's.
 */
const stoppedAt = Effect.fnUntraced(function* (signal: NodeJS.Signals, moment: string) {
  const { called, network, sandbox } = yield* VppCniNode
  const server = yield* VppInTypeScript
  // Sessions that only read.
  yield* disconnected
  const { polite, rude } = server
  const reached = yield* Deferred.make<void>()
  server.paused = moment === "hello"
  server.intercept = (name, raw) => {
    if (name !== moment) return undefined
    server.intercept = () => undefined
    Deferred.doneUnsafe(reached, Exit.void)
    // The request is done, and the reply is lost.
    server.perform(name, raw)
    return "silence"
  }
  const add = yield* Plugin.begin(called("ADD", yield* sandbox, network(bridged)))
  if (moment === "hello") yield* untilTrue("a hello", () => server.waiting.length > 0, { every: "1 millis" })
  else yield* until(moment, Deferred.isDone(reached), (done) => done, { every: "1 millis" })
  yield* add.signal(signal)
  server.resume()
  const answer = yield* Plugin.judge("ADD", yield* add.outcome)
  yield* disconnected
  return { answer, left: { polite: server.polite - polite, rude: server.rude - rude } }
}, Effect.scoped)

onMachine(["root", "executable", "hostLocal"], onTypeScript)("an ADD on VPP that is interrupted", (test) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal}: it rolls back, and disconnects from VPP`, () =>
      Effect.gen(function* () {
        const { look, returnsTo } = yield* VppCniNode
        const before = yield* look
        for (const moment of ["hello", ...moments]) {
          const { answer, left } = yield* stoppedAt(signal, moment)
          const { code, msg } = yield* Plugin.errorOf(answer)
          assert.deepStrictEqual([code, msg], [107, "interrupted by a signal; an ADD was rolled back"], moment)
          assert.isAbove(left.polite, 0, moment)
          assert.strictEqual(left.rude, 0, moment)
          yield* returnsTo(before)
        }
      }))
  }

  test("a hundred, all killed: VPP had at most eight clients, lives, and one DEL each leaves nothing", () =>
    Effect.gen(function* () {
      const { called, directory, look, network, returnsTo, sandbox } = yield* VppCniNode
      const server = yield* VppInTypeScript
      const before = yield* look
      const { netns } = yield* sandbox
      const pods = Array.from({ length: 100 }, (_, n) => ({
        containerId: `${1000 + n}`.padEnd(64, "d"),
        ifName: "net1",
        netns
      }))
      server.most = 0
      let created = 0
      // By then some have completed, some are in the middle, and most wait for a slot.
      server.intercept = (name) => {
        if (name === "memif_create_v2" && ++created === 20) server.paused = true
        return undefined
      }
      const ends = yield* Effect.scoped(
        Effect.gen(function* () {
          const begin = (pod: (typeof pods)[number]) => Plugin.begin(called("ADD", pod, network(bridged)))
          const adds = yield* Effect.forEach(pods, begin, { concurrency: "unbounded" })
          yield* untilTrue("eight clients", () => server.paused && server.connected >= 8, { every: "1 millis" })
          // From here on it counts connections beside those that drop.
          assert.strictEqual(server.most, 8)
          yield* Effect.forEach(adds, ({ signal }) => signal("SIGKILL"))
          return yield* Effect.forEach(adds, ({ outcome }) => outcome)
        })
      )
      server.intercept = () => undefined
      server.resume()
      yield* disconnected
      assert.isAbove(ends.filter((end) => end.signal === "SIGKILL").length, 50)
      // Some of the eight may just have disconnected.
      assert.isAbove(server.rude, 0)
      assert.isUndefined(server.broken)
      // Their child processes have no parent now, and end by themselves.
      yield* until("the end of the child processes", processes(directory), (left) => left.length === 0)
      const dels = yield* callAll(pods.map((pod) => called("DEL", { ...pod, netns: "" }, network(bridged))))
      dels.forEach(Plugin.well)
      yield* returnsTo(before)
    }))
})
