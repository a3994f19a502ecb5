/**
 * An agent and executables of two versions on one node, as while it is upgraded: each process makes its call itself, the call
 * succeeds, and whoever looks is told why. `USERSPACE_BEFORE` names an executable of an earlier release, which is tried as
 * well when it knows an agent of its own.
 */
import { spawnSync } from "node:child_process"
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { agent, handedTo } from "./support/Agent.ts"
import { busyBridge, impostor, socketOf } from "./support/AgentCalls.ts"
import { CniNode, newContainerId } from "./support/CniNode.ts"
import { callAll } from "./support/Crowd.ts"
import { before, executable, missing } from "./support/Machine.ts"
import { halfInstalled, otherExecutable, otherVersion } from "./support/OtherVersion.ts"
import * as Plugin from "./support/Plugin.ts"
import { cleanEnvironment, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

const versionOf = (program: string) =>
  Effect.map(succeed(program, ["version"]), (text) => /userspace-cni (\S+)/.exec(text)?.[1])

/** Calls of `caller` beside an agent of another version: none is served, all succeed, and nothing is left. */
const fallsBack = Effect.fnUntraced(function* (caller: string, served: string) {
  const node = yield* CniNode
  yield* busyBridge
  const one = yield* agent(yield* socketOf, {}, served)
  const environment = handedTo(one.socket)
  const before = yield* look(node.watched)
  const sandbox = yield* node.sandbox
  const call = (verb: Plugin.Verb, network: object = node.network) =>
    Plugin.call({ ...node.called(verb, sandbox, network, { environment }), plugin: caller })
  const added = yield* call("ADD")
  Plugin.well(added)
  Plugin.well(yield* call("CHECK", { ...node.network, prevResult: added.document }))
  Plugin.well(yield* call("DEL"))
  yield* returnsTo(node.watched, before)
  const { calls } = yield* one.status
  assert.deepStrictEqual([calls.served, calls.failed, calls.interrupted], [0, 0, 0])
  return one
})

const needs = ["root", "executable", "ovs", "hostLocal"] as const

onMachine(needs, CniNode.layer)("an agent of another version", (test) => {
  test("its calls are made by their processes; list, status and the agent's log say why", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const one = yield* fallsBack(executable, yield* otherExecutable)
      const env = { ...cleanEnvironment, ...handedTo(one.socket) }
      const own = yield* versionOf(executable)
      const words = `it has version ${otherVersion}, and this executable ${own}; calls run in their own processes`
      const listed = ["list", "--state-dir", node.stateDir, "--ovs-socket", node.ovs.socket]
      assert.include(yield* succeed(executable, listed, { env }), `not served by the agent on ${one.socket}`)
      assert.include(yield* succeed(executable, listed, { env }), words)
      assert.include(yield* succeed(executable, ["agent", "status", "--socket", one.socket], { env }), words)
      yield* one.running.signal("SIGTERM")
      const { stderr } = yield* one.running.outcome
      assert.strictEqual(stderr.split(`the agent has version ${otherVersion}, and the caller ${own}`).length, 2, stderr)
    }))

  test("calls of the other version beside this agent are made by their processes", () =>
    Effect.gen(function* () {
      yield* fallsBack(yield* otherExecutable, executable)
    }))

  // The new executable is in its place, then the agent is restarted: in between the versions differ.
  test("is replaced by one of the new version under calls of both versions: no call fails", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const other = yield* otherExecutable
      const socket = yield* socketOf
      const before = yield* look(node.watched)
      const { netns } = yield* node.sandbox
      const pods = Array.from({ length: 10 }, () => ({ containerId: newContainerId(), netns, ifName: "net1" }))
      const lived = (program: string) =>
        Effect.scoped(
          Effect.gen(function* () {
            const one = yield* agent(socket, {}, program)
            const { calls } = yield* one.until("a call", ({ calls }) => calls.served + calls.running > 0)
            yield* one.running.signal("SIGTERM")
            assert.strictEqual((yield* one.running.outcome).status, 0)
            return calls
          })
        )
      const replacing = yield* Effect.forkChild(Effect.andThen(lived(other), lived(executable)), {
        startImmediately: true
      })
      let turn = 0
      const verbs = ["ADD", "DEL"] as const
      // As often as it takes until both have served.
      while (replacing.pollUnsafe() === undefined) {
        for (const verb of verbs) {
          const calls = pods.map((pod) => ({
            ...node.called(verb, pod, node.network, { environment: handedTo(socket) }),
            plugin: turn++ % 2 === 0 ? executable : other
          }))
          for (const answer of yield* callAll(calls)) Plugin.well(answer)
        }
      }
      yield* Fiber.join(replacing)
      yield* returnsTo(node.watched, before)
    }))
})

onMachine([...needs, "clientInC"], CniNode.layer)("an agent beside a plugin of two versions", (test) => {
  // Between two steps of an installation, or after one that was cut off.
  for (const [isOfAgent, name] of [
    [true, "the client's version"],
    [false, "the executable's version"]
  ] as const) {
    test(`of ${name}, where client and executable differ in theirs: all calls succeed, and nothing is left`, () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        yield* busyBridge
        const other = yield* otherExecutable
        const plugin = yield* halfInstalled(`${node.directory}/half`, otherVersion, executable)
        const one = yield* agent(yield* socketOf, {}, isOfAgent ? other : executable)
        const before = yield* look(node.watched)
        const sandbox = yield* node.sandbox
        for (const verb of ["VERSION", "ADD", "DEL"] as const) {
          const called = node.called(verb, sandbox, node.network, { environment: handedTo(one.socket) })
          Plugin.well(yield* Plugin.call({ ...called, plugin }))
        }
        yield* returnsTo(node.watched, before)
        assert.strictEqual((yield* one.status).calls.served, isOfAgent ? 2 : 0)
        // One that dies in the middle: the executable of the other version takes the ADD back.
        const dies = `${node.directory}/dies.sock`
        yield* impostor(dies, (request, response) => {
          response.writeContinue()
          request.on("data", () => {}).on("end", () => request.socket.destroy())
        })
        const lost = node.called("ADD", sandbox, node.network, { environment: handedTo(dies) })
        assert.strictEqual((yield* Plugin.errorOf(yield* Plugin.call({ ...lost, plugin }))).code, 11)
        yield* returnsTo(node.watched, before)
      }))
  }
})

const knowsAgents = (): boolean =>
  missing(["before"]).length === 0 && /^ +agent /m.test(spawnSync(before, ["--help"], { encoding: "utf8" }).stdout)

onMachine([...needs, "before"], CniNode.layer)("an executable of an earlier release", (test) => {
  test("is no worse beside this agent, and this one beside its agent", () =>
    Effect.gen(function* () {
      const isSame = (yield* versionOf(before)) === (yield* versionOf(executable))
      const node = yield* CniNode
      yield* busyBridge
      const world = yield* look(node.watched)
      for (const [caller, served] of [
        [before, executable],
        [executable, before]
      ] as const) {
        if (served === before && !knowsAgents()) continue
        yield* Effect.scoped(
          Effect.gen(function* () {
            const one = yield* agent(yield* socketOf, {}, served)
            const sandbox = yield* node.sandbox
            for (const verb of ["ADD", "DEL"] as const) {
              const called = node.called(verb, sandbox, node.network, { environment: handedTo(one.socket) })
              Plugin.well(yield* Plugin.call({ ...called, plugin: caller }))
            }
            if (!isSame) assert.strictEqual((yield* one.status).calls.served, 0)
          })
        )
      }
      yield* returnsTo(node.watched, world)
    }))
})
