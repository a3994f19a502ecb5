/** The agent as systemd runs it, and within the limits of thick Multus for the processes of calls. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Option } from "effect"
import { until } from "../support/Until.ts"
import { agent } from "./support/Agent.ts"
import { busyBridge, socketOf, started, wholeLife } from "./support/AgentCalls.ts"
import { CniNode, newContainerId, type Sandbox } from "./support/CniNode.ts"
import { callAll } from "./support/Crowd.ts"
import { executable } from "./support/Machine.ts"
import * as Plugin from "./support/Plugin.ts"
import { cleanEnvironment, start, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

const unit = readFileSync(`${import.meta.dirname}/../../examples/node/userspace-agent.service`, "utf8")
const settingOf = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? ""

/** Prints each received message on a line of its own. */
const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True: print(s.recv(1000).decode().split("\\n")[0], flush=True)
`

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("the agent as a service", (test) => {
  test("notifies systemd that it is ready, that it lives, and that it stops", () =>
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      const [log, notified] = [`${directory}/notified.log`, `${directory}/notify.sock`]
      yield* start("python3", ["-c", listener, notified], { log })
      const lines = Effect.sync(() => readFileSync(log, "utf8").split("\n"))
      const notifiedOf = (line: string) => until(line, lines, (all) => all.includes(line))
      yield* notifiedOf("listening")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* agent(`${directory}/notified/agent.sock`, { NOTIFY_SOCKET: notified })
          yield* notifiedOf("READY=1")
          yield* notifiedOf("WATCHDOG=1")
        })
      )
      yield* notifiedOf("STOPPING=1")
      assert.deepStrictEqual([settingOf("Type"), settingOf("ExecStart")], ["notify", "/opt/cni/bin/userspace agent"])
    }))

  test("works with the rights that the unit leaves it", () =>
    Effect.gen(function* () {
      yield* busyBridge
      const socket = yield* socketOf
      const rights = settingOf("CapabilityBoundingSet")
        .split(" ")
        .map((name) => `+${name.replace("CAP_", "").toLowerCase()}`)
      assert.isAbove(rights.length, 3)
      const bounded = [`--bounding-set=-all,${rights.join(",")}`, `--inh-caps=-all`, "--no-new-privs"]
      yield* start("setpriv", [...bounded, executable, "agent", "--socket", socket, "--state-dir", `${socket}.state`], {
        env: { ...cleanEnvironment, UV_THREADPOOL_SIZE: "16" },
        stop: "SIGTERM"
      })
      yield* until("an agent", succeed(executable, ["agent", "status", "--socket", socket]), () => true)
      yield* wholeLife(socket)
      const status = yield* succeed(executable, ["agent", "status", "--socket", socket, "--json"])
      assert.strictEqual(JSON.parse(status).calls.served, 3)
    }))

  test("serves a caller whose root is the node's in another mount namespace, as with thick Multus", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const served = yield* started
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      const within = yield* node.privateMounts("true")
      const more = { within, environment: served.environment }
      Plugin.well(yield* node.call("ADD", sandbox, node.network, more))
      Plugin.well(yield* node.call("DEL", sandbox, node.network, more))
      assert.strictEqual((yield* served.status).calls.served, 2)
      yield* returnsTo(node.watched, before)
    }))
})

const groups = "/sys/fs/cgroup/memory"

/** A control group with this much memory; none: this machine does not permit one (cgroup v1 of the tests' machines). */
const groupOf = (bytes: number) =>
  Effect.acquireRelease(
    Effect.option(
      Effect.try(() => {
        const path = `${groups}/userspace-cni-e2e-${process.pid}`
        mkdirSync(path)
        writeFileSync(`${path}/memory.limit_in_bytes`, String(bytes))
        return path
      })
    ),
    (made) => Effect.sync(() => Option.map(made, (path) => rmdirSync(path)))
  )

onMachine(["root", "executable", "ovs", "hostLocal", "memoryGroups"], CniNode.layer)("in 50 MiB", (test) => {
  test("sixteen ADDs at once all succeed, and sixteen DELs", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const { environment, status } = yield* started
      const { netns } = yield* node.sandbox
      const before = yield* look(node.watched)
      const made = yield* groupOf(50 << 20)
      if (Option.isNone(made)) return assert.fail("no control group can be made")
      const enter = `${node.directory}/enter`
      const script = `#!/bin/sh\necho $$ >${made.value}/cgroup.procs && exec ${executable}\n`
      yield* succeed("sh", ["-c", `cat >${enter} && chmod 755 ${enter}`], { stdin: script })
      const pods = Array.from({ length: 16 }, (): Sandbox => ({ containerId: newContainerId(), netns, ifName: "net1" }))
      for (const verb of ["ADD", "DEL"] as const) {
        const calls = pods.map((pod) => ({ ...node.called(verb, pod, node.network, { environment }), plugin: enter }))
        for (const answer of yield* callAll(calls)) Plugin.well(answer)
      }
      assert.strictEqual((yield* status).calls.served, 32)
      yield* returnsTo(node.watched, before)
    }))
})
