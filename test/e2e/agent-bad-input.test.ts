/** Input on the agent's socket that is no call: it is answered with an error or closed, in bounded time and memory. */
import { readFileSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { namespaces } from "../../src/agent/Location.ts"
import { until } from "../support/Until.ts"
import { busyBridge, started, wholeLife } from "./support/AgentCalls.ts"
import { CniNode } from "./support/CniNode.ts"
import { executable } from "./support/Machine.ts"
import { run, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"

interface Guest {
  readonly socket: Socket
  /** Its answer, up to the end of the connection. */
  readonly end: Effect.Effect<string>
}

const guest = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<Guest>((resume) => {
      const chunks: Array<Buffer> = []
      const socket = connect(path, () => resume(Effect.succeed({ socket, end })))
      const end = Effect.callback<string>((done) => {
        const told = () => done(Effect.succeed(Buffer.concat(chunks).toString("utf8")))
        if (socket.closed) told()
        else socket.on("close", told)
      })
      socket.on("data", (chunk) => chunks.push(Buffer.from(chunk))).on("error", () => {})
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

const within = <A, E>(self: Effect.Effect<A, E>) =>
  Effect.timeoutOrElse(self, {
    duration: "1 minute",
    orElse: () => Effect.die(new Error("the agent has not closed the connection"))
  })

/** Asked once: a flood of calls must not become one of processes. */
const version = Effect.runSync(
  Effect.cached(Effect.map(succeed(executable, ["version"]), (text) => /userspace-cni (\S+)/.exec(text)?.[1] ?? ""))
)

const head = Effect.fnUntraced(function* (length: number | string, ...more: ReadonlyArray<string>) {
  return [
    "POST /v1/call HTTP/1.1",
    "host: agent",
    `userspace-version: ${yield* version}`,
    `userspace-namespaces: ${namespaces()}`,
    `userspace-invocation: ${crypto.randomUUID()}`,
    `content-length: ${length}`,
    ...more,
    "",
    ""
  ].join("\r\n")
})

const memory = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("bad input to the agent", (test) => {
  const bodies = {
    "no JSON": "{",
    "a list": "[]",
    "no stdin": '{"environment":{}}',
    "an environment of numbers": '{"environment":{"CNI_IFINDEX":1},"stdin":""}',
    "a field that nobody knows": '{"environment":{},"stdin":"","sudo":true}'
  }
  test("input that is no call is refused, and nothing is started", () =>
    Effect.gen(function* () {
      const served = yield* started
      for (const [what, body] of Object.entries(bodies)) {
        const one = yield* guest(served.socket)
        one.socket.write(`${yield* head(Buffer.byteLength(body))}${body}`)
        assert.match(yield* within(one.end), /^HTTP\/1\.1 400 /, what)
      }
      const heads = [
        [yield* head(6 << 20), /^HTTP\/1\.1 413 /],
        [yield* head("many"), /^(HTTP\/1\.1 4\d\d |$)/],
        [(yield* head(2)).replace(/userspace-invocation: \S+/, "userspace-invocation: ../../etc"), /^HTTP\/1\.1 400 /],
        ["GET /etc/passwd HTTP/1.1\r\nhost: a\r\n\r\n", /^HTTP\/1\.1 404 /],
        ["DELETE /v1/calls/none HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", /^HTTP\/1\.1 404 /],
        ["\0\0\0\x1aSSH-2.0\r\n\r\n", /^(HTTP\/1\.1 400 |$)/],
        [`GET / HTTP/1.1\r\nx: ${"x".repeat(1 << 20)}`, /^(HTTP\/1\.1 4\d\d |$)/]
      ] as const
      for (const [text, told] of heads) {
        const one = yield* guest(served.socket)
        one.socket.write(text)
        assert.match(yield* within(one.end), told, text.slice(0, 80))
      }
      const { calls } = yield* served.status
      assert.deepStrictEqual([calls.served, calls.failed, calls.running, calls.queued], [0, 0, 0, 0])
    }))

  test("a truncated call is not started, and its memory is released", () =>
    Effect.gen(function* () {
      yield* busyBridge
      const served = yield* started
      // Each announces 5 MiB: together more than there is room for.
      for (let n = 0; n < 40; n++) {
        const one = yield* guest(served.socket)
        one.socket.write(yield* head(5 << 20, "expect: 100-continue"))
        if (n % 2 === 0) one.socket.write('{"environment":{')
        one.socket.end()
        yield* within(one.end)
      }
      yield* wholeLife(served.socket)
      assert.strictEqual((yield* served.status).calls.served, 3)
    }))

  test("a thousand silent connections, and some that send a byte at a time, are closed; calls beside them succeed", () =>
    Effect.gen(function* () {
      yield* busyBridge
      const served = yield* started
      const before = memory(served.running.pid)
      const idle = yield* Effect.forEach(
        Array.from({ length: 1000 }, () => served.socket),
        guest,
        { concurrency: 50 }
      )
      const slow = yield* Effect.forEach(Array.from({ length: 10 }), () => guest(served.socket))
      const text = yield* head(1000)
      const timer = setInterval(() => {
        for (const { socket } of slow)
          if (socket.writable) socket.write(text.slice(socket.bytesWritten, socket.bytesWritten + 1))
      }, 500)
      yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(timer)))
      yield* wholeLife(served.socket)
      assert.strictEqual((yield* served.status).calls.served, 3)
      assert.isBelow(memory(served.running.pid) - before, 64)
      yield* within(Effect.forEach([...idle, ...slow], ({ end }) => end, { discard: true }))
      yield* until(
        "fewer open sockets of the agent",
        Effect.sync(() => served.opened("socket")),
        (open) => open < 100
      )
    }))

  /** A call as whoever may connect can write it, whatever is true. */
  const claimed = Effect.fnUntraced(function* (
    path: string,
    environment: Readonly<Record<string, string>>,
    stdin: object | string
  ) {
    const body = JSON.stringify({ environment, stdin: typeof stdin === "string" ? stdin : JSON.stringify(stdin) })
    const one = yield* guest(path)
    one.socket.write(`${yield* head(Buffer.byteLength(body))}${body}`)
    return one
  })

  test("an environment that lies is judged as a process's own, and stays the call's", () =>
    Effect.gen(function* () {
      yield* busyBridge
      const { network, plugins, sandbox } = yield* CniNode
      const served = yield* started
      const { containerId, netns } = yield* sandbox
      const true_ = { CNI_COMMAND: "ADD", CNI_CONTAINERID: containerId, CNI_NETNS: netns, CNI_IFNAME: "net1" }
      const evil = { CNI_PATH: plugins, LD_PRELOAD: "/evil.so", PATH: "/evil", BUN_OPTIONS: "--preload /evil.ts" }
      const lies = [
        // The node's own network namespace, as if it were a pod's.
        [{ CNI_NETNS: `/proc/${served.running.pid}/ns/net` }, 8],
        [{ CNI_NETNS: "/etc/passwd" }, 4],
        [{ CNI_CONTAINERID: "../../etc" }, 4],
        [{ CNI_IFNAME: "../net1" }, 4],
        // The command line is no verb.
        [{ CNI_COMMAND: "agent" }, 4],
        [{ CNI_COMMAND: "capture" }, 4]
      ] as const
      for (const [lie, code] of lies) {
        const one = yield* claimed(served.socket, { ...true_, ...evil, ...lie }, network)
        const answer = yield* within(one.end)
        assert.match(answer, new RegExp(`\\\\"code\\\\":${code},`), `${JSON.stringify(lie)}: ${answer}`)
      }
      // It ran with none of that.
      yield* wholeLife(served.socket)
      const own = readFileSync(`/proc/${served.running.pid}/environ`, "utf8")
      assert.notInclude(own, "evil")
    }))

  test("a flood of calls is answered or refused, and calls beside it succeed", () =>
    Effect.gen(function* () {
      yield* busyBridge
      const served = yield* started
      const before = memory(served.running.pid)
      const one = Effect.scoped(
        Effect.flatMap(claimed(served.socket, { CNI_COMMAND: "FLOOD" }, ""), ({ end }) => within(end))
      )
      const flood = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 1500 }, (_, n) => n),
          () => one,
          { concurrency: 200 }
        )
      )
      yield* wholeLife(served.socket)
      const answers = yield* Fiber.join(flood)
      // Nothing but an error of the call, a refusal, or a connection that was closed.
      for (const answer of answers) assert.match(answer, /^(HTTP\/1\.1 200 .*"status":1|HTTP\/1\.1 503 |$)/s)
      assert.isTrue(answers.some((answer) => answer.includes('"status":1')))
      assert.isBelow(memory(served.running.pid) - before, 64)
      yield* served.until("idle", ({ calls }) => calls.running + calls.queued === 0)
    }))

  test("callers that do not read their answers hold up nobody, and their calls end", () =>
    Effect.gen(function* () {
      yield* busyBridge
      const { network, plugins } = yield* CniNode
      const served = yield* started
      const environment = {
        ...{ CNI_COMMAND: "ADD", CNI_CONTAINERID: "slow", CNI_NETNS: "/none", CNI_IFNAME: "net1", CNI_PATH: plugins }
      }
      for (let n = 0; n < 100; n++) {
        const one = yield* claimed(served.socket, environment, { ...network, logLevel: "verbose" })
        one.socket.pause()
      }
      yield* wholeLife(served.socket)
      yield* served.until("idle", ({ calls }) => calls.running + calls.queued === 0)
    }))

  test("health tells no path and no secret, and no TCP port is open", () =>
    Effect.gen(function* () {
      const served = yield* started
      yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      yield* wholeLife(served.socket)
      for (const path of ["/healthz", "/readyz"]) {
        const { headers, text } = yield* served.get(path)
        assert.notMatch(`${text}${JSON.stringify(headers["userspace-instance"])}`, /\/|secret|token/)
      }
      // State 0A is LISTEN (proc_pid_net(5)).
      const listening = ["tcp", "tcp6"].flatMap((kind) =>
        [
          ...readFileSync(`/proc/${served.running.pid}/net/${kind}`, "utf8").matchAll(
            /^ *\d+: \S+ \S+ 0A (?:\S+ +){5}(\d+)/gm
          )
        ].map(([, inode]) => `socket:[${inode}]`)
      )
      // This test's own is among them.
      assert.isNotEmpty(listening)
      for (const socket of listening) assert.strictEqual(served.opened(socket), 0)
    }))

  test("another user cannot connect", () =>
    Effect.gen(function* () {
      const { socket } = yield* started
      const { status } = yield* run("setpriv", [
        ...["--reuid=65534", "--regid=65534", "--clear-groups"],
        ...["curl", "-s", "--unix-socket", socket, "http://agent/healthz"]
      ])
      assert.strictEqual(status, 7)
    }))
})
