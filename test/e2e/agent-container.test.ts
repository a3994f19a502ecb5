/**
 * The agent as the DaemonSet runs it: a container's process that enters the node's namespaces, and probes that enter
 * them too. The node is a PID namespace with separate mounts, the container is runc's; there is no cluster.
 */
import { existsSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { until } from "../support/Until.ts"
import { handedTo } from "./support/Agent.ts"
import { busyBridge, socketOf, stopped } from "./support/AgentCalls.ts"
import { onBothClients } from "./support/Clients.ts"
import { CniNode } from "./support/CniNode.ts"
import { executable } from "./support/Machine.ts"
import { container, nodeProcesses, thickContainer } from "./support/NodeContainer.ts"
import * as Plugin from "./support/Plugin.ts"
import { run } from "./support/Program.ts"
import { look, returnsTo } from "./support/World.ts"

const deployed = Effect.gen(function* () {
  const { stateDir } = yield* CniNode
  const socket = yield* socketOf
  const node = yield* nodeProcesses
  const words = ["--host", "--socket", socket]
  const agent = yield* container(node, ["agent", ...words, "--state-dir", stateDir])
  const probes = {
    ready: agent.exec("agent", "status", "--ready", ...words),
    alive: agent.exec("agent", "status", ...words)
  }
  yield* until("an agent that is ready", probes.ready, ({ status }) => status === 0)
  const more = { through: node.through, environment: handedTo(socket) }
  const counted = Effect.map(node.onNode(executable, ["agent", "status", "--socket", socket, "--json"]), ({ stdout }) =>
    JSON.parse(stdout)
  )
  return { socket, node, agent, probes, more, counted }
})

onBothClients(["root", "executable", "ovs", "hostLocal", "containerd"])("the agent in a container", (test) => {
  test("serves the node's calls, with the node's files, namespaces and IPAM plugin", () =>
    Effect.gen(function* () {
      const { call, network, watched } = yield* CniNode
      yield* busyBridge
      const { counted, more, node, probes, socket } = yield* deployed
      const sandbox = yield* node.sandbox
      const before = yield* look(watched)
      const result = yield* Plugin.resultOf(yield* call("ADD", sandbox, network, more))
      Plugin.well(yield* call("CHECK", sandbox, { ...network, prevResult: result }, more))
      Plugin.well(yield* call("DEL", sandbox, network, more))
      const { calls } = yield* counted
      assert.deepStrictEqual([calls.served, calls.failed], [3, 0])
      yield* returnsTo(watched, before)
      Plugin.well(yield* probes.alive)
      const elsewhere = yield* run(executable, ["agent", "status", "--ready", "--socket", socket])
      assert.strictEqual(elsewhere.status, 1)
      assert.include(elsewhere.stderr, "the caller has another root directory, network namespace or PID namespace")
    }))

  test("serves the calls of thick Multus, which come from a container with the node's root directory", () =>
    Effect.gen(function* () {
      const { call, network, watched } = yield* CniNode
      yield* busyBridge
      const { counted, more, node } = yield* deployed
      const sandbox = yield* node.sandbox
      const before = yield* look(watched)
      const thick = { ...more, through: yield* thickContainer(node) }
      Plugin.well(yield* call("ADD", sandbox, network, thick))
      Plugin.well(yield* call("DEL", sandbox, network, thick))
      const { calls } = yield* counted
      assert.deepStrictEqual([calls.served, calls.failed], [2, 0])
      yield* returnsTo(watched, before)
    }))

  test("SIGTERM of its container: an accepted call ends, probes fail, and it exits with 0", () =>
    Effect.gen(function* () {
      const { call, called, network } = yield* CniNode
      yield* busyBridge
      const { agent, counted, more, node, probes, socket } = yield* deployed
      const sandbox = yield* node.sandbox
      const held = yield* Scope.fork(yield* Effect.scope)
      yield* Scope.provide(stopped, held)
      const adding = yield* Plugin.begin(called("ADD", sandbox, network, more))
      yield* until("the call", counted, ({ calls }) => calls.running === 1)
      yield* agent.signal("TERM")
      const ready = yield* until("an agent that is not ready", probes.ready, ({ status }) => status === 1)
      assert.include(ready.stderr, `no agent answers on ${socket}`)
      assert.strictEqual((yield* probes.alive).status, 1)
      yield* Scope.close(held, Exit.void)
      Plugin.well(yield* adding.outcome)
      assert.strictEqual((yield* agent.running.outcome).status, 0)
      assert.isFalse(existsSync(socket))
      Plugin.well(yield* call("DEL", sandbox, network, more))
    }))

  test("reports what a container lacks that does not see the node's processes", () =>
    Effect.gen(function* () {
      const alone = ["--pid", "--fork", "--mount-proc", executable, "agent", "--host"]
      const { status, stderr } = yield* run("unshare", alone)
      assert.strictEqual(status, 1)
      assert.include(stderr, "cannot run in the node's namespaces\n  this is process 1 itself\n  -> ")
      assert.include(stderr, "hostPID")
    }))
})
