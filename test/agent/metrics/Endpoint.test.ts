/** What answers on TCP: two paths, and nothing that changes or tells anything else. */
import { request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Endpoint from "../../../src/agent/metrics/Endpoint.ts"
import { addressIn } from "../../../src/agent/metrics/Endpoint.ts"
import { families } from "../../../src/agent/metrics/Families.ts"
import * as Registry from "../../../src/agent/metrics/Registry.ts"

const ask = (port: number, method: string, path: string) =>
  Effect.callback<{ readonly status: number; readonly type: string | undefined; readonly text: string }>((resume) => {
    const asked = request({ host: "127.0.0.1", port, method, path, agent: false }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            type: response.headers["content-type"],
            text: String(Buffer.concat(chunks))
          })
        )
      )
    })
    asked.on("error", (cause) => resume(Effect.die(cause)))
    asked.end()
  })

const serving = Effect.gen(function* () {
  const registry = Registry.make()
  registry.set(families.running, [], 3)
  return yield* Endpoint.listen({ host: "127.0.0.1", port: 0 }, yield* Endpoint.answering(Effect.succeed(registry)))
})

describe("metrics on TCP", () => {
  it.live("are at /metrics, and health is at /healthz", () =>
    Effect.gen(function* () {
      const port = yield* serving
      const metrics = yield* ask(port, "GET", "/metrics")
      assert.strictEqual(metrics.status, 200)
      assert.include(metrics.text, "userspace_cni_calls_running 3\n")
      assert.deepInclude(yield* ask(port, "GET", "/healthz"), { status: 200, text: "ok\n" })
    }).pipe(Effect.scoped)
  )

  it.live("are all that is there: no call, no status, no other method", () =>
    Effect.gen(function* () {
      const port = yield* serving
      for (const [method, path, status] of [
        ["POST", "/v1/call", 405],
        ["DELETE", "/v1/calls/1", 405],
        ["POST", "/metrics", 405],
        ["PUT", "/healthz", 405],
        ["GET", "/v1/status", 404],
        ["GET", "/readyz", 404],
        ["GET", "/", 404],
        ["GET", "/metrics/../v1/status", 404]
      ] as const) {
        const { status: said, text } = yield* ask(port, method, path)
        assert.strictEqual(said, status, `${method} ${path}`)
        assert.notInclude(text, "/run/")
      }
    }).pipe(Effect.scoped)
  )

  it.live("fail with the system's error when somebody has the port", () =>
    Effect.gen(function* () {
      const port = yield* serving
      const code = yield* Effect.flip(Endpoint.listen({ host: "127.0.0.1", port }, () => {}))
      assert.strictEqual(code, "EADDRINUSE")
    }).pipe(Effect.scoped)
  )

  it.effect("are served as soon as the port is free, and until then one line of the log says why not", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const heard = yield* Deferred.make<void>()
      const logger = Logger.make(({ message }) => {
        lines.push(String(message))
        if (String(message).startsWith("metrics on")) Deferred.doneUnsafe(heard, Effect.void)
      })
      const other = yield* Scope.fork(yield* Effect.scope)
      const port = yield* Scope.provide(serving, other)
      const own = Endpoint.keep({ host: "127.0.0.1", port }, (_, response) => void response.end("own"))
      const served = yield* Effect.provide(own, Logger.layer([logger]))
      const url = `http://127.0.0.1:${port}/metrics`
      assert.deepStrictEqual(served(), { url, problem: "another process has the port (EADDRINUSE)" })
      // An attempt to listen takes turns of the event loop, which the clock of the test does not count.
      const pass = Effect.andThen(
        TestClock.adjust("10 seconds"),
        Effect.promise(() => new Promise((resume) => setImmediate(resume)))
      )
      yield* Effect.repeat(pass, { times: 5 })
      yield* Scope.close(other, Exit.void)
      yield* Effect.raceFirst(Deferred.await(heard), Effect.forever(pass))
      assert.deepStrictEqual(served(), { url, problem: null })
      assert.strictEqual((yield* ask(port, "GET", "/metrics")).text, "own")
      assert.lengthOf(lines, 2, lines.join("\n"))
      assert.include(lines[0], `no metrics on ${url}: another process has the port (EADDRINUSE). Trying again`)
    }).pipe(Effect.scoped)
  )

  it("take an IP address and a port", () => {
    assert.deepStrictEqual(addressIn("10.0.0.5:9464"), { host: "10.0.0.5", port: 9464 })
    assert.deepStrictEqual(addressIn("[fd00::5]:9464"), { host: "fd00::5", port: 9464 })
    assert.deepStrictEqual(addressIn("fd00::5:9464"), { host: "fd00::5", port: 9464 })
    for (const text of [
      "9464",
      ":9464",
      "10.0.0.5",
      "10.0.0.5:99999",
      "[10.0.0.5]:1",
      "10.0.0:1",
      "/run/a.sock",
      "host:1"
    ]) {
      assert.isUndefined(addressIn(text), text)
    }
  })
})
