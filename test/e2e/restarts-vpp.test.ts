/**
 * VPP loses everything when it exits. The effect on CHECK, DEL and `userspace restore`: the executable, on real ones, or
 * the one in TypeScript.
 */
import { lstatSync, rmSync } from "node:fs"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { all } from "../../src/vpp/interfaces/Interfaces.ts"
import { VppUnderTest, withSession } from "../suites/VppUnderTest.ts"
import { until } from "../support/Until.ts"
import { executable } from "./support/Machine.ts"
import { errorOf, well } from "./support/Plugin.ts"
import { start } from "./support/Program.ts"
import { restoredJson } from "./support/Restored.ts"
import { onMachine } from "./support/Suite.ts"
import { everyVpp, type OnVpp, VppCniNode, VppDaemon } from "./support/VppCniNode.ts"

const bridge = { netType: "bridge", bridge: { bridgeName: "44" } }

const hosts = [
  ["memif in a bridge domain", bridge],
  ["memif in a VLAN", { netType: "bridge", bridge: { bridgeName: "45", vlanId: 7 } }],
  ["memif with addresses", { netType: "interface" }],
  ["vhost-user, server", { ...bridge, iftype: "vhostuser", vhost: { mode: "server" } }],
  ["vhost-user, client", { ...bridge, iftype: "vhostuser", vhost: { mode: "client" } }]
] as const

/** An attachment whose VPP has been killed. */
const down = Effect.gen(function* () {
  const { call, look, network, sandbox } = yield* VppCniNode
  const { kill, start } = yield* VppDaemon
  const conf = network(bridge)
  const pod = yield* sandbox
  const before = yield* look
  well(yield* call("ADD", pod, conf))
  const attached = yield* look
  yield* kill
  return { attached, before, conf, pod, start }
})

const survives = (test: Vitest.Test<OnVpp | Scope.Scope>) => {
  for (const [name, host] of hosts) {
    test(`${name}: CHECK reports the lost port, and DEL succeeds`, () =>
      Effect.gen(function* () {
        const { call, look, network, returnsTo, sandbox } = yield* VppCniNode
        const { restart } = yield* VppUnderTest
        const conf = network(host)
        const pod = yield* sandbox
        const before = yield* look
        const added = yield* call("ADD", pod, conf)
        well(added)
        yield* restart
        const error = yield* errorOf(yield* call("CHECK", pod, { ...conf, prevResult: added.document }))
        assert.strictEqual(error.code, ErrorCodes.CheckFailed)
        assert.include(error.msg, "VPP has no interface with the mark of this attachment")
        well(yield* call("DEL", pod, conf))
        yield* returnsTo(before)
      }))

    test(`${name}: restore recreates it unchanged, once`, () =>
      Effect.gen(function* () {
        const { call, look, network, restore, returnsTo, sandbox } = yield* VppCniNode
        const { restart } = yield* VppUnderTest
        const conf = network(host)
        const pod = yield* sandbox
        const before = yield* look
        const added = yield* call("ADD", pod, conf)
        well(added)
        const attached = yield* look
        yield* restart
        const planned = yield* restore("--dry-run", "--json")
        well(planned)
        const first = yield* restore("--json")
        well(first)
        const [one, ...others] = restoredJson(first.stdout)
        assert.deepStrictEqual(others, [])
        assert.strictEqual(one?.outcome, "restored")
        assert.deepStrictEqual(restoredJson(planned.stdout)[0]?.made, one?.made)
        // Including sockets with their modes and groups.
        assert.deepStrictEqual(yield* look, attached)
        well(yield* call("CHECK", pod, { ...conf, prevResult: added.document }))
        const second = yield* restore("--json")
        assert.strictEqual(restoredJson(second.stdout)[0]?.outcome, "there")
        assert.deepStrictEqual(yield* look, attached)
        well(yield* call("DEL", pod, conf))
        yield* returnsTo(before)
      }))
  }

  test("a DEL while VPP is down asks to be tried again, and then succeeds", () =>
    Effect.gen(function* () {
      const { call, returnsTo } = yield* VppCniNode
      const { before, conf, pod, start } = yield* down
      assert.strictEqual((yield* errorOf(yield* call("DEL", pod, conf))).code, ErrorCodes.TryAgainLater)
      yield* start
      well(yield* call("DEL", pod, conf))
      yield* returnsTo(before)
    }))

  test("what a failed DEL has begun to remove is not restored", () =>
    Effect.gen(function* () {
      const { call, restore, returnsTo } = yield* VppCniNode
      const { before, conf, pod, start } = yield* down
      yield* call("DEL", pod, conf)
      yield* start
      const [one] = restoredJson((yield* restore("--json", "--timeout", "0")).stdout)
      assert.deepStrictEqual(
        [one?.outcome, one?.reason],
        ["skipped", "its ADD is still running, or its DEL has started"]
      )
      well(yield* call("DEL", pod, conf))
      yield* returnsTo(before)
    }))

  test("restore reports that VPP is down; with a deadline it waits until VPP answers", () =>
    Effect.gen(function* () {
      const { call, look, restore, returnsTo } = yield* VppCniNode
      const { attached, before, conf, pod, start } = yield* down
      const refused = yield* restore("--timeout", "0s")
      assert.strictEqual(refused.status, 1)
      assert.match(
        refused.stderr,
        /^userspace: cannot restore net1 of container \w{12} \(code 11\)\n {2}VPP: .*\n {2}-> /
      )
      const waiting = yield* Effect.forkChild(restore("--timeout", "60s"), { startImmediately: true })
      yield* start
      well(yield* Fiber.join(waiting))
      assert.deepStrictEqual(yield* look, attached)
      well(yield* call("DEL", pod, conf))
      yield* returnsTo(before)
    }))

  test("after a reboot, with the record there and all else gone, restore does nothing and DEL frees the address", () =>
    Effect.gen(function* () {
      const { call, directory, look, network, restore, returnsTo, sandbox } = yield* VppCniNode
      const { restart } = yield* VppUnderTest
      const conf = network({ netType: "interface" })
      const before = yield* look
      const pod = yield* Effect.scoped(
        Effect.gen(function* () {
          const alive = yield* sandbox
          well(yield* call("ADD", alive, conf))
          return alive
        })
      )
      yield* restart
      rmSync(`${directory}/shared/${pod.containerId.slice(0, 12)}`, { recursive: true })
      const said = yield* restore("--json")
      well(said)
      const [one] = restoredJson(said.stdout)
      assert.deepStrictEqual([one?.outcome, one?.reason], ["skipped", `its sandbox ${pod.netns} is gone`])
      assert.deepStrictEqual((yield* look).vpp, before.vpp)
      well(yield* call("DEL", { ...pod, netns: "" }, conf))
      yield* returnsTo(before)
    }))

  test("a missing shared directory is reported, and the others are restored", () =>
    Effect.gen(function* () {
      const { call, directory, look, network, restore, returnsTo, sandbox } = yield* VppCniNode
      const { restart } = yield* VppUnderTest
      const conf = network(bridge)
      const [lost, whole] = [yield* sandbox, yield* sandbox]
      const before = yield* look
      for (const pod of [lost, whole]) well(yield* call("ADD", pod, conf))
      yield* restart
      rmSync(`${directory}/shared/${lost.containerId.slice(0, 12)}`, { recursive: true })
      const said = yield* restore("--json")
      assert.strictEqual(said.status, 1)
      assert.deepStrictEqual(
        restoredJson(said.stdout).map(({ outcome }) => outcome),
        ["failed", "restored"]
      )
      assert.include(
        said.stderr,
        `the shared directory ${directory}/shared/${lost.containerId.slice(0, 12)} is missing`
      )
      for (const pod of [lost, whole]) well(yield* call("DEL", pod, conf))
      yield* returnsTo(before)
    }))

  test("restore beside thirty DELs leaves the ports of those that stay, and nothing of the others", () =>
    Effect.gen(function* () {
      const { call, look, network, restore, returnsTo, sandbox } = yield* VppCniNode
      const { restart } = yield* VppUnderTest
      const conf = network(bridge)
      const pods = yield* Effect.all(Array.from({ length: 40 }, () => sandbox))
      const [staying, leaving] = [pods.slice(0, 10), pods.slice(10)]
      const before = yield* look
      yield* Effect.forEach(staying, (pod) => Effect.map(call("ADD", pod, conf), well), { concurrency: 4 })
      const remaining = yield* look
      yield* Effect.forEach(leaving, (pod) => Effect.map(call("ADD", pod, conf), well), { concurrency: 4 })
      yield* restart
      const restoring = yield* Effect.forkChild(restore("--json"), { startImmediately: true })
      yield* Effect.forEach(leaving, (pod) => Effect.map(call("DEL", pod, conf), well), { concurrency: 4 })
      const said = yield* Fiber.join(restoring)
      well(said)
      yield* returnsTo(remaining)
      const outcomes = restoredJson(said.stdout)
      for (const { containerId } of staying) {
        assert.strictEqual(outcomes.find((one) => one.containerId === containerId)?.outcome, "restored")
      }
      yield* Effect.forEach(staying, (pod) => Effect.map(call("DEL", pod, conf), well), { concurrency: 4 })
      yield* returnsTo(before)
    }))

  test("a restore that is killed is completed by the next one", () =>
    Effect.gen(function* () {
      const { call, directory, look, network, restore, returnsTo, sandbox } = yield* VppCniNode
      const { restart } = yield* VppUnderTest
      const conf = network(bridge)
      const pods = yield* Effect.all(Array.from({ length: 8 }, () => sandbox))
      const before = yield* look
      yield* Effect.forEach(pods, (pod) => Effect.map(call("ADD", pod, conf), well), { concurrency: 4 })
      const attached = yield* look
      for (const made of [0, 1, 2, 4, 7]) {
        yield* restart
        yield* Effect.scoped(
          Effect.gen(function* () {
            const killed = yield* start(executable, ["restore", "--state-dir", `${directory}/state`])
            yield* until(
              `${made} ports`,
              withSession(all),
              (interfaces) =>
                interfaces.filter(({ interface_name }) => interface_name.startsWith("memif")).length >= made,
              { every: "1 millis" }
            )
            yield* killed.signal("SIGKILL")
            yield* killed.outcome
          })
        )
        well(yield* restore())
        assert.deepStrictEqual(yield* look, attached)
      }
      yield* Effect.forEach(pods, (pod) => Effect.map(call("DEL", pod, conf), well), { concurrency: 4 })
      yield* returnsTo(before)
    }))

  test("a restored socket lets everybody connect, as the first one did", () =>
    Effect.gen(function* () {
      const { call, directory, network, restore, sandbox } = yield* VppCniNode
      const { restart } = yield* VppUnderTest
      const conf = network({ ...bridge, vhost: { group: "107" } })
      const pod = yield* sandbox
      well(yield* call("ADD", pod, conf))
      const short = pod.containerId.slice(0, 12)
      const socket = `${directory}/shared/${short}/memif-${short}-net1.sock`
      const { birthtimeMs, gid, mode } = lstatSync(socket)
      yield* restart
      well(yield* restore())
      const now = lstatSync(socket)
      assert.isAbove(now.birthtimeMs, birthtimeMs)
      assert.deepStrictEqual([now.mode & 0o777, now.gid], [0o660, 107])
      assert.deepStrictEqual([mode & 0o777, gid], [0o660, 107])
      well(yield* call("DEL", pod, conf))
    }))
}

for (const [name, needs, live] of everyVpp) {
  onMachine(["root", "executable", "hostLocal", ...needs], live)(`restarts, on ${name}`, survives)
}
