/**
 * Many concurrent calls through the agent: none fails because an agent is replaced meanwhile, and a silent switch
 * delays only its own calls.
 */
import { readdirSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { agent, handedTo } from "./support/Agent.ts"
import { busyBridge, callBy, socketOf, started } from "./support/AgentCalls.ts"
import { onBothClients } from "./support/Clients.ts"
import { CniNode, newContainerId, type Sandbox } from "./support/CniNode.ts"
import { callAll } from "./support/Crowd.ts"
import * as Doors from "./support/Doors.ts"
import * as Plugin from "./support/Plugin.ts"
import { ended } from "./support/Program.ts"
import { look, returnsTo } from "./support/World.ts"

const addressOf = ({ document }: Plugin.Answer): unknown => Object(Object(document).ips?.[0]).address

onBothClients(["root", "executable", "ovs", "hostLocal"])("a crowd of calls through the agent", (test) => {
  test("agents are replaced meanwhile: no call fails because of it, no address is given twice, nothing is left", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const socket = yield* socketOf
      const { netns } = yield* node.sandbox
      const before = yield* look(node.watched)
      const pods = Array.from(
        { length: 100 },
        (): Sandbox => ({ containerId: newContainerId(), netns, ifName: "net1" })
      )
      let isOver = false
      let agents = 0
      let served = 0
      const replaced = Effect.scoped(
        Effect.gen(function* () {
          const one = yield* agent(socket)
          agents++
          const { calls } = yield* one.until("its share", ({ calls }) => isOver || calls.served + calls.running > 10)
          served += calls.served + calls.running
          yield* one.running.signal("SIGTERM")
          const { status, stderr } = yield* ended(one.running)
          assert.strictEqual(status, 0, stderr)
        })
      )
      const replacing = yield* Effect.forkChild(Effect.repeat(replaced, { until: () => isOver }), {
        startImmediately: true
      })
      for (const verb of ["ADD", "DEL"] as const) {
        const calls = pods.map((pod) => node.called(verb, pod, node.network, { environment: handedTo(socket) }))
        const answers: Array<Plugin.Answer> = []
        for (let wave = 0; wave < calls.length; wave += 20) {
          answers.push(...(yield* callAll(calls.slice(wave, wave + 20))))
        }
        for (const answer of answers) Plugin.well(answer)
        if (verb === "ADD") assert.strictEqual(new Set(answers.map(addressOf)).size, pods.length)
      }
      isOver = true
      yield* Fiber.join(replacing)
      assert.isAbove(agents, 2)
      assert.isAbove(served, 0)
      yield* returnsTo(node.watched, before)
      assert.deepStrictEqual(readdirSync(node.sharedDir), [])
    }))

  test("a silent switch has more calls than its limit: those of another switch continue", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const served = yield* started
      const { netns } = yield* node.sandbox
      const silent = `${node.directory}/silent.sock`
      yield* Doors.listening(silent, () => {})
      const stuck = { ...node.network, host: { ...node.network.host, socket: silent } }
      const { begin, call } = callBy(served.socket)
      const calls = yield* Effect.forEach(
        Array.from({ length: 70 }, () => newContainerId()),
        (containerId) => begin("ADD", { containerId, netns, ifName: "net1" }, stuck),
        { concurrency: 8 }
      )
      yield* served.until("calls that wait", ({ calls }) => calls.running === 64 && calls.queued === 6)
      const sandbox = yield* node.sandbox
      Plugin.well(yield* call("ADD", sandbox))
      Plugin.well(yield* call("DEL", sandbox))
      assert.strictEqual((yield* served.status).calls.running, 64)
      for (const one of calls) yield* one.signal("SIGKILL")
      yield* served.until("rest", ({ calls }) => calls.running + calls.queued === 0)
    }))
})
