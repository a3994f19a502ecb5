/**
 * The agent, or the process of a call, is killed in the middle of a call: nothing is reported as done that was not, and
 * nothing is left.
 */
import { existsSync, readFileSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Fiber, Scope } from "effect"
import { untilTrue } from "../support/Until.ts"
import { handedTo } from "./support/Agent.ts"
import { addDuring, busyBridge, callBy, impostor, portOf, started, stopped, untilThere } from "./support/AgentCalls.ts"
import { onBothClients } from "./support/Clients.ts"
import { CniNode } from "./support/CniNode.ts"
import * as Plugin from "./support/Plugin.ts"
import { ended, succeed } from "./support/Program.ts"
import { look, returnsTo } from "./support/World.ts"

/** An IPAM plugin whose first DEL waits longer than it is waited for; the next ones do their work. */
const slowFirstDel = Effect.gen(function* () {
  const node = yield* CniNode
  const once = `${node.plugins}/once`
  const script = `#!/bin/sh\n[ "$CNI_COMMAND" != DEL ] || [ -e "$0.asked" ] || { : >"$0.asked"; exec sleep 3; }\nexec "\${0%/*}/host-local"\n`
  yield* succeed("sh", ["-c", `cat >${once} && chmod 755 ${once}`], { stdin: script })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const path of [once, `${once}.asked`]) rmSync(path, { force: true })
    })
  )
  return {
    network: { ...node.network, ipam: { ...node.network.ipam, type: "once" } },
    waits: untilTrue("a DEL of the IPAM plugin", () => existsSync(`${once}.asked`), { every: "10 millis" })
  }
})

/** To a socket, which was bound under another name, also those that its process has not accepted. */
const connections = (path: string): number =>
  readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .filter((line) => line.includes(` ${dirname(path)}/`)).length

onBothClients(["root", "executable", "ovs", "hostLocal"])("an agent that is killed", (test) => {
  test("in the middle of an ADD: the process rolls it back, and fails with code 11", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const served = yield* started
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      const killed = Effect.andThen(served.running.signal("SIGKILL"), served.running.outcome)
      const add = yield* addDuring(served, sandbox, killed)
      const error = yield* Effect.flatMap(Fiber.join(add), Plugin.errorOf)
      assert.deepStrictEqual([error.code, /changes were rolled back$/.test(error.msg)], [11, true], error.msg)
      yield* returnsTo(node.watched, before)
    }))

  test("in the middle of an ADD whose process is told to stop while it rolls back: it says what is left, with code 11", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const served = yield* started
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      const { network, waits } = yield* slowFirstDel
      const scope = yield* Effect.scope
      const add = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* stopped
          const add = yield* Scope.provide(callBy(served.socket).begin("ADD", sandbox, network), scope)
          yield* untilThere("port", portOf(sandbox.containerId))
          yield* served.running.signal("SIGKILL")
          return add
        })
      )
      yield* waits
      yield* add.signal("SIGTERM")
      const outcome = yield* ended(add)
      const error = yield* Plugin.errorOf(yield* Plugin.judge("ADD", outcome))
      assert.strictEqual(error.code, 11)
      assert.match(
        error.msg,
        /^the agent ended during ADD, and not all changes were rolled back: interrupted by a signal/
      )
      assert.match(error.details ?? "", /^The next DEL of this attachment removes the rest\./)
      Plugin.well(yield* node.call("DEL", sandbox, network, { environment: handedTo("off") }))
      yield* returnsTo(node.watched, before)
    }))

  test("in the middle of a DEL: the process repeats it", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const served = yield* started
      const { call } = callBy(served.socket)
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      const { network, waits } = yield* slowFirstDel
      Plugin.well(yield* call("ADD", sandbox, network))
      const del = yield* Effect.forkChild(call("DEL", sandbox, network), { startImmediately: true })
      yield* waits
      yield* served.running.signal("SIGKILL")
      Plugin.well(yield* Fiber.join(del))
      yield* returnsTo(node.watched, before)
    }))

  test("in the middle of a DEL that was told to stop: the process says that it may be incomplete, with code 107", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      const served = yield* started
      const { begin, call } = callBy(served.socket)
      const { network, waits } = yield* slowFirstDel
      Plugin.well(yield* call("ADD", sandbox, network))
      const del = yield* begin("DEL", sandbox, network)
      yield* waits
      // Frozen, it does not answer the request to interrupt the call, which waits in its queue.
      yield* served.running.signal("SIGSTOP")
      const dialled = connections(served.socket)
      yield* del.signal("SIGTERM")
      yield* untilTrue("a request to interrupt it", () => connections(served.socket) > dialled, { every: "10 millis" })
      yield* served.running.signal("SIGKILL")
      const outcome = yield* ended(del)
      const error = yield* Plugin.errorOf(yield* Plugin.judge("DEL", outcome))
      assert.deepStrictEqual(
        [error.code, error.msg, error.details],
        [
          107,
          "DEL was interrupted by a signal, and the agent ended during it: it may be incomplete",
          "Try again: DEL then does the rest."
        ]
      )
      Plugin.well(yield* node.call("DEL", sandbox, network, { environment: handedTo("off") }))
      yield* returnsTo(node.watched, before)
    }))

  // From before it has read the call to after it has answered, in the time that a call takes on this machine now; and
  // later, when the machine has become slower.
  test("at any of 20 instants of an ADD: it succeeds, or it fails and nothing is left", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const before = yield* look(node.watched)
      const ends: Array<string> = []
      let whole = 0
      for (let instant = 0; instant <= 20 || !ends.includes("1"); instant++) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const served = yield* started
            const { begin, call } = callBy(served.socket)
            const sandbox = yield* node.sandbox
            const add = yield* begin("ADD", sandbox)
            // The first one is not killed: it measures the duration of the others.
            const killed = Effect.andThen(served.running.signal("SIGKILL"), add.outcome)
            const outcome = yield* instant === 0
              ? add.outcome
              : Effect.timeoutOrElse(add.outcome, {
                  duration: `${(whole * instant) / 20} millis`,
                  orElse: () => killed
                })
            if (instant === 0) whole = outcome.millis
            const answer = yield* Plugin.judge("ADD", outcome)
            if (answer.status === 0) {
              assert.isTrue(portOf(sandbox.containerId)(yield* look(node.watched)))
              Plugin.well(yield* call("DEL", sandbox))
            } else assert.strictEqual((yield* Plugin.errorOf(answer)).code, 11, answer.stdout)
            ends.push(String(answer.status))
            yield* returnsTo(node.watched, before)
          })
        )
      }
      assert.include(ends, "0")
      assert.include(ends, "1", "none was killed in the middle")
    }))

  test("in the middle of a second ADD of an attachment: the first stays", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const sandbox = yield* node.sandbox
      Plugin.well(yield* node.call("ADD", sandbox, node.network, { environment: handedTo("off") }))
      const before = yield* look(node.watched)
      const socket = `${node.directory}/dies.sock`
      yield* impostor(socket, (request, response) => {
        response.writeContinue()
        request.on("data", () => {}).on("end", () => request.socket.destroy())
      })
      const error = yield* Plugin.errorOf(yield* callBy(socket).call("ADD", sandbox))
      assert.strictEqual(error.code, 11)
      assert.deepStrictEqual(yield* look(node.watched), before)
      Plugin.well(yield* node.call("DEL", sandbox, node.network))
    }))
})

onBothClients(["root", "executable", "ovs", "hostLocal"])("a caller that is killed", (test) => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    test(`${signal}: the ADD is rolled back at once, without a DEL`, () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        yield* busyBridge
        const served = yield* started
        const sandbox = yield* node.sandbox
        const before = yield* look(node.watched)
        const outcome = yield* Effect.scoped(
          Effect.gen(function* () {
            yield* stopped
            const add = yield* callBy(served.socket).begin("ADD", sandbox)
            yield* untilThere("port", portOf(sandbox.containerId))
            yield* add.signal(signal)
            return yield* ended(add)
          })
        )
        if (signal === "SIGTERM") {
          const error = yield* Plugin.errorOf(yield* Plugin.judge("ADD", outcome))
          assert.deepStrictEqual([error.code, error.msg], [107, "interrupted by a signal; an ADD was rolled back"])
        } else assert.strictEqual(outcome.signal, "SIGKILL")
        yield* returnsTo(node.watched, before)
        const { calls } = yield* served.until("rest", ({ calls }) => calls.running === 0)
        assert.strictEqual(calls.interrupted, 1)
      }))
  }

  test("SIGKILL at any of 20 instants: nothing is left without a DEL, unless the agent had answered", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const served = yield* started
      const { begin, call } = callBy(served.socket)
      const before = yield* look(node.watched)
      let whole = 0
      let rolledBack = 0
      let interrupted = 0
      for (let instant = 0; instant <= 20 || interrupted === 0; instant++) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const sandbox = yield* node.sandbox
            const done = (yield* served.status).calls.served
            const add = yield* begin("ADD", sandbox)
            const outcome = yield* instant === 0
              ? add.outcome
              : Effect.timeoutOrElse(add.outcome, {
                  duration: `${(whole * instant) / 20} millis`,
                  orElse: () => Effect.andThen(add.signal("SIGKILL"), add.outcome)
                })
            if (instant === 0) whole = outcome.millis
            const { calls } = yield* served.until("rest", ({ calls }) => calls.running + calls.queued === 0)
            interrupted = calls.interrupted
            if (calls.served > done) Plugin.well(yield* call("DEL", sandbox))
            else rolledBack++
            yield* returnsTo(node.watched, before)
          })
        )
      }
      assert.isAbove(rolledBack, 0)
      assert.isAbove(interrupted, 0)
    }))
})
