/**
 * A stopped ADD rolls back; a killed one leaves only what the next DEL removes. ovs-vswitchd is frozen where an ADD
 * must wait in the middle: its row is in the database and nobody acts on it.
 */
import { existsSync, readdirSync, rmSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { untilTrue } from "../support/Until.ts"
import { busyBridge, portOf, stopped, untilThere } from "./support/AgentCalls.ts"
import { CniNode } from "./support/CniNode.ts"
import * as Plugin from "./support/Plugin.ts"
import { ended, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { isStill, look, returnsTo, type World } from "./support/World.ts"

const leaseOf = (containerId: string) => (world: World) => world.leases.some((lease) => lease.includes(containerId))

/** host-local, whose ADD continues when a line is written to a pipe. */
const slowIpam = `#!/bin/sh
conf=$(cat)
[ "$CNI_COMMAND" != ADD ] || { : >"$0.asked"; read -r x <"$0.fifo"; }
printf %s "$conf" | "\${0%/*}/host-local"
`

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("an ADD that is interrupted", (test) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} rolls it back and says so`, () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const sandbox = yield* node.sandbox
        yield* busyBridge
        const before = yield* look(node.watched)
        const outcome = yield* Effect.scoped(
          Effect.gen(function* () {
            yield* stopped
            const add = yield* Plugin.begin(node.called("ADD", sandbox, node.network))
            yield* untilThere("port", portOf(sandbox.containerId))
            yield* untilThere("lease", leaseOf(sandbox.containerId))
            yield* add.signal(signal)
            return yield* ended(add)
          })
        )
        const answer = yield* Plugin.judge("ADD", outcome)
        const error = yield* Plugin.errorOf(answer)
        assert.deepStrictEqual([error.code, error.msg], [107, "interrupted by a signal; an ADD was rolled back"])
        yield* returnsTo(node.watched, before)
      }))
  }

  test("a switch that never acts: ADD times out and removes its port", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      yield* busyBridge
      const before = yield* look(node.watched)
      yield* stopped
      const answer = yield* node.call("ADD", sandbox, node.network)
      const error = yield* Plugin.errorOf(answer)
      assert.match(error.msg, /vswitchd/)
      yield* isStill(node.watched, before)
    }))

  test("killed while it waits for the switch: the next DEL removes all of it", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      yield* busyBridge
      const before = yield* look(node.watched)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* stopped
          const add = yield* Plugin.begin(node.called("ADD", sandbox, node.network))
          yield* untilThere("port", portOf(sandbox.containerId))
          yield* untilThere("lease", leaseOf(sandbox.containerId))
          yield* add.signal("SIGKILL")
          assert.strictEqual((yield* add.outcome).signal, "SIGKILL")
          const answer = yield* node.call("DEL", sandbox, node.network)
          assert.strictEqual(answer.status, 0, answer.stdout + answer.stderr)
        })
      )
      yield* returnsTo(node.watched, before)
    }))

  test("killed while its IPAM plugin runs: the next DEL waits for that, and releases the address", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      yield* busyBridge
      const before = yield* look(node.watched)
      const slow = `${node.plugins}/slow`
      yield* Effect.acquireRelease(
        succeed("sh", ["-c", `mkfifo ${slow}.fifo && cat >${slow} && chmod 755 ${slow}`], { stdin: slowIpam }),
        () =>
          Effect.sync(() => {
            for (const end of ["", ".fifo", ".asked"]) rmSync(`${slow}${end}`, { force: true })
          })
      )
      const network = { ...node.network, ipam: { ...node.network.ipam, type: "slow" } }
      yield* Effect.scoped(
        Effect.gen(function* () {
          const add = yield* Plugin.begin(node.called("ADD", sandbox, network))
          yield* untilTrue("a call of the IPAM plugin", () => existsSync(`${slow}.asked`))
          yield* add.signal("SIGKILL")
          assert.strictEqual((yield* add.outcome).signal, "SIGKILL")
          const del = yield* Plugin.begin(node.called("DEL", sandbox, network))
          // Everything else is done by then.
          yield* untilThere("end of the port", (world) => !portOf(sandbox.containerId)(world))
          yield* succeed("sh", ["-c", `echo >${slow}.fifo`])
          const outcome = yield* ended(del)
          assert.strictEqual(outcome.status, 0, outcome.stdout + outcome.stderr)
        })
      )
      yield* returnsTo(node.watched, before)
    }))

  // From before it reads its configuration to after it has answered, in the time that a call takes on this machine now; and
  // later, when the machine has become slower.
  test("killed at any of 24 instants: the next DEL removes all of it", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const before = yield* look(node.watched)
      const ends: Array<string> = []
      let left = 0
      const whole = yield* Effect.scoped(
        Effect.gen(function* () {
          const sandbox = yield* node.sandbox
          const { millis } = yield* node.call("ADD", sandbox, node.network)
          yield* node.call("DEL", sandbox, node.network)
          return millis
        })
      )
      yield* returnsTo(node.watched, before)
      for (let instant = 1; instant <= 24 || left === 0; instant++) {
        const millis = (whole * 1.1 * instant) / 24
        const sandbox = yield* Effect.scoped(
          Effect.gen(function* () {
            const sandbox = yield* node.sandbox
            const add = yield* Plugin.begin(node.called("ADD", sandbox, node.network))
            const outcome = yield* Effect.timeoutOrElse(add.outcome, {
              duration: `${millis} millis`,
              orElse: () => Effect.andThen(add.signal("SIGKILL"), add.outcome)
            })
            ends.push(outcome.signal ?? String(outcome.status))
            if (outcome.signal !== null && existsSync(`${node.stateDir}/attachments`)) left++
            return sandbox
          })
        )
        const answer = yield* node.call("DEL", { ...sandbox, netns: "" }, node.network)
        assert.strictEqual(answer.status, 0, answer.stdout + answer.stderr)
        yield* returnsTo(node.watched, before)
      }
      assert.include(ends, "SIGKILL")
      assert.isAbove(left, 0, "none was killed that had begun")
      assert.deepStrictEqual(readdirSync(node.sharedDir), [])
    }))
})
