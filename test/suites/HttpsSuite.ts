/**
 * The behaviour of every layer of `Https`. Runs under bun as well, so it asserts with node's own module. The peer is
 * always a server on Node.
 */
import * as assert from "node:assert/strict"
import { Effect, Fiber, Schema } from "effect"
import { Https, type HttpsRequest, type Tls } from "../../src/platform/Https.ts"
import { Echo, Peer, pem } from "../platform/support/HttpsPeer.ts"
import { until } from "../support/Until.ts"
import { suite } from "./Suite.ts"

const trusting: Tls = { ca: pem("ca.crt"), client: undefined, verify: true, serverName: undefined }

const send = (url: string, more: Partial<HttpsRequest> = {}) =>
  Effect.flatMap(Https, (https) =>
    https.send({ method: "GET", url, headers: {}, body: undefined, tls: trusting, limit: 1 << 20, ...more })
  )

const echo = (url: string, more?: Partial<HttpsRequest>) =>
  Effect.flatMap(send(url, more), ({ body }) => Schema.decodeUnknownEffect(Schema.fromJsonString(Echo))(body))

const codeOf = (url: string, tls: Partial<Tls> = {}) =>
  Effect.map(Effect.flip(send(url, { tls: { ...trusting, ...tls } })), ({ code }) => code)

/** OpenSSL's error for a certificate of an unknown issuer depends on what the server sent along. */
const unknownIssuer =
  /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/

export const https = suite<Https | Peer>("Https", (test) => {
  test("sends method, headers and body, and returns status and body", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      const body = JSON.stringify({ grüße: "€".repeat(100_000) })
      const headers = { authorization: "Bearer abc", "content-type": "application/json" }
      const heard = yield* echo(`https://127.0.0.1:${tls}/echo`, { method: "PUT", headers, body })
      assert.equal(heard.method, "PUT")
      assert.equal(heard.headers["authorization"], "Bearer abc")
      assert.equal(heard.headers["content-type"], "application/json")
      assert.equal(heard.body, body)
      assert.equal(heard.client, "")
    }))

  test("returns an unsuccessful answer as it is, with Retry-After", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      assert.deepEqual(yield* send(`https://127.0.0.1:${tls}/later`), { status: 429, retryAfter: "7", body: "wait" })
    }))

  test("presents the client's certificate", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      const client = { cert: pem("client.crt"), key: pem("client.key") }
      assert.equal((yield* echo(`https://127.0.0.1:${tls}/echo`, { tls: { ...trusting, client } })).client, "node-1")
    }))

  test("uses a connection again, but not for other credentials and not for another trust", () =>
    Effect.gen(function* () {
      const url = `https://127.0.0.1:${(yield* Peer).tls}/echo`
      const client = { cert: pem("client.crt"), key: pem("client.key") }
      const connectionsOf = (tls: Tls) =>
        Effect.map(
          Effect.forEach([1, 2, 3, 4], () => echo(url, { tls })),
          (answers) => new Set(answers.map(({ connection }) => connection))
        )
      const anonymous = yield* connectionsOf(trusting)
      const known = yield* connectionsOf({ ...trusting, client })
      const blind = yield* connectionsOf({ ...trusting, verify: false })
      for (const connections of [anonymous, known, blind]) assert.ok(connections.size < 4)
      assert.equal(new Set([...anonymous, ...known, ...blind]).size, anonymous.size + known.size + blind.size)
      assert.match(yield* codeOf(url, { ca: pem("other-ca.crt") }), unknownIssuer)
    }))

  test("reaches an IPv6 address and checks the certificate against it", () =>
    Effect.flatMap(Peer, ({ tls }) => echo(`https://[::1]:${tls}/echo`)))

  test("refuses a certificate for another name, unless that is the expected one", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      const url = `https://localhost:${tls}/echo`
      assert.equal(yield* codeOf(url), "ERR_TLS_CERT_ALTNAME_INVALID")
      yield* echo(url, { tls: { ...trusting, serverName: "kubernetes.default.svc" } })
      assert.equal(
        yield* codeOf(`https://127.0.0.1:${tls}/echo`, { serverName: "other.svc" }),
        "ERR_TLS_CERT_ALTNAME_INVALID"
      )
    }))

  test("trusts only the given authorities", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      assert.match(yield* codeOf(`https://127.0.0.1:${tls}/echo`, { ca: pem("other-ca.crt") }), unknownIssuer)
      assert.match(yield* codeOf(`https://127.0.0.1:${tls}/echo`, { ca: undefined }), unknownIssuer)
    }))

  test("refuses a certificate that has expired", () =>
    Effect.gen(function* () {
      const { expired } = yield* Peer
      assert.equal(yield* codeOf(`https://127.0.0.1:${expired}/echo`), "CERT_HAS_EXPIRED")
    }))

  test("skips verification only when told to", () =>
    Effect.gen(function* () {
      const { expired } = yield* Peer
      const url = `https://localhost:${expired}/echo`
      yield* echo(url, { tls: { ...trusting, ca: undefined, verify: false } })
      assert.notEqual(yield* codeOf(url), "")
    }))

  test("reports an unusable certificate or key", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      const url = `https://127.0.0.1:${tls}/echo`
      // Node treats it as no certificate.
      assert.notEqual(yield* codeOf(url, { ca: "no PEM" }), "")
      assert.equal(yield* codeOf(url, { client: { cert: "no PEM", key: pem("client.key") } }), "BADTLS")
      assert.equal(yield* codeOf(url, { client: { cert: pem("client.crt"), key: pem("server.key") } }), "BADTLS")
    }))

  test("ECONNREFUSED when nobody listens, ECONNRESET when the server hangs up, ENOTFOUND for an unknown name", () =>
    Effect.gen(function* () {
      const { closed, tls } = yield* Peer
      assert.equal(yield* codeOf(`https://127.0.0.1:${closed}/`), "ECONNREFUSED")
      assert.equal(yield* codeOf(`https://127.0.0.1:${tls}/reset`), "ECONNRESET")
      // Longer than a label of a name can be: no name server is asked.
      assert.equal(yield* codeOf(`https://${"x".repeat(64)}.invalid:6443/`), "ENOTFOUND")
    }))

  test("reads no more than the limit", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      const url = `https://127.0.0.1:${tls}/big`
      assert.equal((yield* send(url, { limit: 300_000 })).body.length, 300_000)
      assert.equal((yield* Effect.flip(send(url, { limit: 299_999 }))).code, "TOOBIG")
    }))

  test("keeps no more than the limit, whatever is announced, compressed, or endless", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      const before = process.memoryUsage().rss
      const most = { limit: 1 << 20 }
      const announced = send(`https://127.0.0.1:${tls}/announced`, most)
      assert.equal((yield* Effect.timeoutOption(announced, "300 millis"))._tag, "None")
      assert.equal((yield* Effect.flip(send(`https://127.0.0.1:${tls}/endless`, most))).code, "TOOBIG")
      const packed = yield* Effect.result(send(`https://127.0.0.1:${tls}/packed`, most))
      // Node does not decompress it.
      if (packed._tag === "Failure") assert.equal(packed.failure.code, "TOOBIG")
      else assert.ok(packed.success.body.length <= most.limit)
      assert.ok(process.memoryUsage().rss - before < 256 << 20)
    }))

  test("follows no redirection", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      const { body, status } = yield* send(`https://127.0.0.1:${tls}/elsewhere`)
      assert.deepEqual({ body, status }, { body: "", status: 302 })
    }))

  test("closes the connection when it is interrupted", () =>
    Effect.gen(function* () {
      const { tls } = yield* Peer
      const url = `https://127.0.0.1:${tls}`
      const says = (text: string) => until(text, send(`${url}/silent/state`), ({ body }) => body === text)
      const fiber = yield* Effect.forkChild(send(`${url}/silent`))
      yield* says("1 arrived, 0 left")
      yield* Fiber.interrupt(fiber)
      yield* says("1 arrived, 1 left")
      const reading = yield* Effect.forkChild(send(`${url}/stalled`))
      yield* says("2 arrived, 1 left")
      // Another answer comes after the beginning of this one.
      yield* says("2 arrived, 1 left")
      yield* Fiber.interrupt(reading)
      yield* says("2 arrived, 2 left")
    }))

  test("uses no TLS for an http URL", () =>
    Effect.gen(function* () {
      const { plain } = yield* Peer
      assert.equal((yield* echo(`http://127.0.0.1:${plain}/echo`)).method, "GET")
    }))

  test("ignores a proxy in the environment, and does not change the environment", () =>
    Effect.gen(function* () {
      const { closed, tls } = yield* Peer
      const proxies = { HTTPS_PROXY: `http://127.0.0.1:${closed}`, NO_PROXY: "registry.example" }
      const before = { ...process.env }
      yield* Effect.acquireUseRelease(
        Effect.sync(() => Object.assign(process.env, proxies)),
        () =>
          Effect.tap(echo(`https://127.0.0.1:${tls}/echo`), () =>
            Effect.sync(() => assert.deepEqual({ ...process.env }, { ...before, ...proxies }))
          ),
        () =>
          Effect.sync(() => {
            for (const name of Object.keys(proxies)) delete process.env[name]
            Object.assign(process.env, before)
          })
      )
    }))
})
