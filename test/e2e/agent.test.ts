/**
 * Calls through the agent, on the built executable and a real Open vSwitch: a runtime sees the same as without one, and
 * the process of the call makes a call that the agent declines.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import type { RequestListener } from "node:http"
import { createServer as createSocket } from "node:net"
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { untilTrue } from "../support/Until.ts"
import { handedTo } from "./support/Agent.ts"
import { addDuring, busyBridge, callBy, impostor, socketOf, started, wholeLife } from "./support/AgentCalls.ts"
import { onBothClients } from "./support/Clients.ts"
import { CniNode } from "./support/CniNode.ts"
import { executable } from "./support/Machine.ts"
import * as Plugin from "./support/Plugin.ts"
import { cleanEnvironment, run, succeed } from "./support/Program.ts"
import { look, returnsTo } from "./support/World.ts"

onBothClients(["root", "executable", "ovs", "hostLocal"])("calls through the agent", (test) => {
  test("the agent serves ADD, CHECK and DEL, and nothing is left", () =>
    Effect.gen(function* () {
      yield* busyBridge
      const served = yield* started
      yield* wholeLife(served.socket)
      const status = yield* served.status
      assert.deepStrictEqual([status.calls.served, status.calls.failed, status.calls.running], [3, 0, 0])
      assert.strictEqual(status.switches.length, 1)
    }))

  test("VERSION is answered as without an agent, whatever is on stdin", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const { environment } = yield* started
      const sandbox = yield* node.sandbox
      for (const stdin of [
        '{"cniVersion":"0.4.0"}',
        '{"cniVersion":"9.9"}',
        "not JSON",
        "",
        { is: "silent" } as const
      ]) {
        const [through, alone] = yield* Effect.all(
          [environment, handedTo("off")].map((one) => node.call("VERSION", sandbox, {}, { stdin, environment: one }))
        )
        assert.strictEqual(through?.status, 0)
        assert.isNotEmpty(through?.stdout)
        assert.strictEqual(through?.stdout, alone?.stdout)
      }
    }))

  test("status and list report that it serves calls", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const served = yield* started
      const list = ["list", "--state-dir", node.stateDir, "--ovs-socket", node.ovs.socket]
      const env = { ...cleanEnvironment, ...served.environment }
      const said = yield* succeed(executable, list, { env })
      assert.include(said, `served by the agent on ${served.socket} (process ${served.running.pid},`)
      const { agent } = JSON.parse(yield* succeed(executable, [...list, "--json"], { env }))
      assert.deepStrictEqual([agent.pid, agent.state], [served.running.pid, "ready"])
      const without = yield* succeed(executable, list, { env: { ...env, ...handedTo("off") } })
      assert.notInclude(without, "agent")
    }))

  test("a failing call has the same error as without an agent, and stderr has the log lines", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const { call } = callBy((yield* started).socket)
      const sandbox = { ...(yield* node.sandbox), netns: "/nowhere" }
      const through = yield* call("ADD", sandbox)
      const alone = yield* node.call("ADD", sandbox, node.network, { environment: handedTo("off") })
      assert.strictEqual(through.stdout, alone.stdout)
      assert.strictEqual(through.status, 1)
      const said = (text: string) => text.replace(/^\S+/, "")
      assert.strictEqual(said(through.stderr), said(alone.stderr))
    }))

  test("a closed stdout: the agent's ADD is rolled back", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const { socket } = yield* started
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      const called = node.called("ADD", sandbox, node.network, { environment: handedTo(socket) })
      const { status, stderr } = yield* run("/bin/sh", ["-c", 'exec "$0" >/dev/full', node.plugin], {
        env: Plugin.environmentOf(called),
        stdin: called.stdin
      })
      assert.strictEqual(status, 1)
      assert.match(stderr, /cannot be written to stdout: ENOSPC; changes were rolled back/)
      yield* returnsTo(node.watched, before)
    }))

  test("a closed stdout, and an IPAM plugin that keeps the address: stderr says so, and the next DEL removes the rest", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const { call, socket } = { socket: (yield* started).socket, ...callBy(yield* socketOf) }
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      // It refuses each DEL until somebody has put this right.
      const keeps = `${node.plugins}/keeps`
      const refusal = `{ echo '{"cniVersion":"1.0.0","code":11,"msg":"kept on purpose"}'; exit 1; }`
      const script = `#!/bin/sh\n[ "$CNI_COMMAND" != DEL ] || [ -e "$0.right" ] || ${refusal}\nexec "\${0%/*}/host-local"\n`
      writeFileSync(keeps, script, { mode: 0o755 })
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => [keeps, `${keeps}.right`].map((path) => rmSync(path, { force: true })))
      )
      const network = { ...node.network, ipam: { ...node.network.ipam, type: "keeps" } }
      const called = node.called("ADD", sandbox, network, { environment: handedTo(socket) })
      const { status, stderr } = yield* run("/bin/sh", ["-c", 'exec "$0" >/dev/full', node.plugin], {
        env: Plugin.environmentOf(called),
        stdin: called.stdin
      })
      assert.strictEqual(status, 1)
      assert.notMatch(stderr, /stdout: ENOSPC; changes were rolled back/)
      assert.match(
        stderr,
        /stdout: ENOSPC, and not all changes were rolled back: .*kept on purpose.* The next DEL of this/
      )
      assert.lengthOf((yield* look(node.watched)).leases, 1)
      writeFileSync(`${keeps}.right`, "")
      Plugin.well(yield* call("DEL", sandbox, network))
      yield* returnsTo(node.watched, before)
    }))
})

onBothClients(["root", "executable", "ovs", "hostLocal"])("calls that the agent declines", (test) => {
  const others: Readonly<Record<string, RequestListener>> = {
    "it has another version": (_, response) => response.writeHead(409).end(),
    "it is being stopped": (_, response) => response.writeHead(503).end(),
    "it never answers": () => {},
    "it hangs up": (request) => request.socket.destroy(),
    "it answers what no agent answers": (request) => request.socket.end("220 mail.example\r\n\r\n")
  }
  for (const [name, listener] of Object.entries(others)) {
    test(`${name}: the process makes the call`, () =>
      Effect.gen(function* () {
        yield* busyBridge
        const socket = `${(yield* CniNode).directory}/other.sock`
        let asked = 0
        yield* impostor(socket, (request, response) => {
          asked++
          listener(request, response)
        })
        yield* wholeLife(socket)
        assert.strictEqual(asked, 3)
      }))
  }

  test("no listener, or no socket: the process makes the call", () =>
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      yield* busyBridge
      const stale = `${directory}/stale.sock`
      yield* Effect.callback<void>((resume) => {
        const server = createSocket().listen(stale, () => {
          renameSync(stale, `${stale}.kept`)
          server.close(() => resume(Effect.void))
        })
      })
      renameSync(`${stale}.kept`, stale)
      yield* wholeLife(stale)
      const file = `${directory}/file.sock`
      writeFileSync(file, "")
      yield* wholeLife(file)
    }))

  test("a caller of another version, or in other namespaces, is told so", () =>
    Effect.gen(function* () {
      const { socket } = yield* started
      const status = (...headers: ReadonlyArray<string>) =>
        succeed("curl", [
          ...["-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", socket, "-d", "{}"],
          ...headers.flatMap((header) => ["-H", header]),
          "http://agent/v1/call"
        ])
      assert.strictEqual(yield* status("userspace-version: 0.0.1"), "409")
      const [, version = ""] = /userspace-cni (\S+)/.exec(yield* succeed(executable, ["version"])) ?? []
      assert.strictEqual(
        yield* status(`userspace-version: ${version}`, "userspace-namespaces: 1:2 net:[1] pid:[1]"),
        "421"
      )
    }))

  test("a caller with other mounts makes the call itself, among its own files", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const served = yield* started
      const sandbox = yield* node.sandbox
      const within = yield* node.privateMounts(`mount -t tmpfs -o ro none ${node.sharedDir}`)
      const more = { within, environment: served.environment }
      const answer = yield* node.call("ADD", sandbox, node.network, more)
      assert.match((yield* Plugin.errorOf(answer)).msg, /EROFS/)
      const { calls } = yield* served.status
      assert.strictEqual(calls.served + calls.failed, 0)
    }))
})

onBothClients(["root", "executable", "ovs", "hostLocal"])("the agent's socket and log", (test) => {
  test("a socket that is gone, or another's, is recreated", () =>
    Effect.gen(function* () {
      yield* busyBridge
      const served = yield* started
      rmSync(served.socket)
      yield* served.until("a socket again", ({ rebound }) => rebound === 1)
      yield* impostor(`${served.socket}.other`, (_, response) => response.writeHead(503).end())
      renameSync(`${served.socket}.other`, served.socket)
      yield* served.until("its own socket again", ({ rebound }) => rebound === 2)
      rmSync(served.socket)
      mkdirSync(served.socket)
      yield* served.until("a socket in place of the directory", ({ rebound }) => rebound === 3)
      yield* wholeLife(served.socket)
      assert.strictEqual((yield* served.status).calls.served, 3)
    }))

  test("a second agent on the same socket reports the first", () =>
    Effect.gen(function* () {
      const { socket } = yield* started
      const { status, stderr } = yield* run(executable, ["agent", "--socket", socket])
      assert.strictEqual(status, 1)
      assert.match(stderr, /another agent serves calls/)
    }))

  test("a log file is open once, has the lines of every call before its answer, and may be moved away", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const served = yield* started
      const logFile = `${node.directory}/logs/agent.log`
      const network = { ...node.network, logFile, logLevel: "debug" }
      const { call } = callBy(served.socket)
      const sandbox = yield* node.sandbox
      Plugin.well(yield* call("ADD", sandbox, network))
      const other = yield* node.sandbox
      const added = yield* call("ADD", other, network)
      assert.strictEqual(served.opened(logFile), 1)
      const text = readFileSync(logFile, "utf8")
      assert.isTrue(text.endsWith(added.stderr), added.stderr)
      assert.match(text, new RegExp(`ADD took .* container=${sandbox.containerId}`))
      renameSync(logFile, `${logFile}.1`)
      const deleted = yield* call("DEL", other, network)
      assert.strictEqual(readFileSync(logFile, "utf8"), deleted.stderr)
      Plugin.well(yield* call("DEL", sandbox, network))
      assert.deepStrictEqual([served.opened(logFile), served.opened(`${logFile}.1`)], [1, 0])
    }))
})

onBothClients(["root", "executable", "ovs", "hostLocal"])("an agent that is stopped", (test) => {
  test("is unready, finishes accepted calls, and exits with 0; calls continue, and the next agent binds", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* busyBridge
      const served = yield* started
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      const add = yield* addDuring(
        served,
        sandbox,
        Effect.gen(function* () {
          yield* served.running.signal("SIGTERM")
          yield* untilTrue("the end of the socket", () => !existsSync(served.socket), { every: "10 millis" })
          const next = yield* started
          assert.strictEqual((yield* next.status).calls.served, 0)
        })
      )
      Plugin.well(yield* Fiber.join(add))
      assert.strictEqual((yield* served.running.outcome).status, 0)
      Plugin.well(yield* callBy(served.socket).call("DEL", sandbox))
      yield* returnsTo(node.watched, before)
    }))
})
