/** An API server that refuses, is silent, or is another one: each case is distinguished, once, and in words. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { KubernetesDeadlines } from "../../src/kubernetes/ApiServer.ts"
import { Pods } from "../../src/kubernetes/Pods.ts"
import { Files } from "../../src/platform/Files.ts"
import { pem } from "../platform/support/HttpsPeer.ts"
import * as NodeHttps from "../platform/support/node/NodeHttps.ts"
import { untilTrue } from "../support/Until.ts"
import { allRights, apiServer, type Fault } from "./support/ApiServer.ts"
import { bench, gives } from "./support/Bench.ts"
import { base64, kubeconfigText } from "./support/KubeconfigText.ts"
import { directory } from "./support/ServerUnderTest.ts"

const impatient = Effect.provideService(KubernetesDeadlines, { answer: 0.2, total: 1 })
const trustedLines = [`certificate-authority-data: ${base64(pem("ca.crt"))}`]

describe("not retried", () => {
  it.live("401: the token was revoked, or has expired, with the time", () =>
    Effect.gen(function* () {
      const revoked = yield* bench()
      revoked.server.tokens.clear()
      gives(yield* Effect.flip(revoked.read), ErrorCodes.ApiServer, /401 Unauthorized$/, /Renew the token/)
      assert.deepStrictEqual(revoked.asked(), ["GET 401"])
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
      const expired = yield* bench({}, { token: `${part({ alg: "RS256" })}.${part({ exp: 1_700_000_000 })}.sig` })
      const error = yield* Effect.flip(expired.read)
      gives(error, ErrorCodes.ApiServer, /401 Unauthorized: the token expired at 2023-11-14T22:13:20/, /Renew/)
    })
  )

  const user = (cert: string, key: string) => [
    `client-certificate-data: ${base64(pem(cert))}`,
    `client-key-data: ${base64(pem(key))}`
  ]

  it.live("401: the client certificate has expired, with the time", () =>
    Effect.gen(function* () {
      const { asked, read, server } = yield* bench({}, { user: user("expired-client.crt", "expired-client.key") })
      server.roles.set("node-1", allRights)
      const error = yield* Effect.flip(read)
      const words = /: 401 Unauthorized: the client certificate expired at 2024-01-02T00:00:00\.000Z$/
      gives(error, ErrorCodes.ApiServer, words, /Renew the token or the client certificate/)
      assert.deepStrictEqual(asked(), ["GET 401"])
    })
  )

  it.live("a client certificate instead of a token; an unknown one", () =>
    Effect.gen(function* () {
      const { addition, asked, server } = yield* bench({}, { user: user("client.crt", "client.key") })
      gives(yield* Effect.flip(addition), ErrorCodes.ApiServer, /403.*User "node-1"/, /role/)
      server.roles.set("node-1", allRights)
      yield* addition
      assert.deepStrictEqual(asked(), ["GET 403", "GET 200", "PUT status 200"])
      const mixed = yield* bench({}, { user: user("client.crt", "server.key") })
      gives(
        yield* Effect.flip(mixed.read),
        ErrorCodes.InvalidConfiguration,
        /a certificate and a key that do not match/,
        /Correct that file/
      )
    })
  )

  it.live("an unknown authority, an expired certificate, another name", () =>
    Effect.gen(function* () {
      const other = yield* bench({}, { cluster: [`certificate-authority-data: ${base64(pem("other-ca.crt"))}`] })
      gives(
        yield* Effect.flip(other.read),
        ErrorCodes.ApiServer,
        /certificate is not trusted: /,
        /certificate-authority/
      )
      const expired = yield* bench({ certificate: "expired" })
      gives(yield* Effect.flip(expired.read), ErrorCodes.ApiServer, /CERT_HAS_EXPIRED/, /clock/)
      const named = yield* bench({}, { cluster: ["tls-server-name: other.svc", ...trustedLines] })
      gives(yield* Effect.flip(named.read), ErrorCodes.ApiServer, /ALTNAME_INVALID/, /tls-server-name/)
      assert.deepStrictEqual([...other.asked(), ...expired.asked(), ...named.asked()], [])
    })
  )

  it.live("insecure-skip-tls-verify is honoured", () =>
    Effect.gen(function* () {
      const { asked, read } = yield* bench({ certificate: "expired" }, { cluster: ["insecure-skip-tls-verify: true"] })
      const log: Array<string> = []
      const keep = Logger.layer([
        Logger.make(({ logLevel, message }) => void log.push(`${logLevel} ${String(message)}`))
      ])
      yield* Effect.provide(read, keep)
      assert.deepStrictEqual(asked(), ["GET 200"])
      assert.match(log.join("\n"), /^Warn .*insecure-skip-tls-verify: the identity of https:[^\n]* is not verified$/)
    })
  )

  it.live("refused: nobody listens", () =>
    Effect.gen(function* () {
      const { url } = yield* Effect.scoped(apiServer())
      const { read } = yield* bench({}, { server: url })
      gives(
        yield* Effect.flip(impatient(read)),
        ErrorCodes.TryAgainLater,
        /: ECONNREFUSED$/,
        /Check that the API server is up/
      )
    })
  )

  it.live("silent: times out, and closes the connection", () =>
    Effect.gen(function* () {
      const { read, server } = yield* bench()
      server.fail({ does: "silence", times: 1000 })
      gives(yield* Effect.flip(impatient(read)), ErrorCodes.TryAgainLater, /no answer within 0.2 s/, /overloaded/)
    })
  )

  it.live("conflicts without end", () =>
    Effect.gen(function* () {
      const { addition, server } = yield* bench()
      server.fail({ method: "PUT", does: { status: 409 }, times: 10_000 })
      gives(
        yield* Effect.flip(impatient(addition)),
        ErrorCodes.TryAgainLater,
        /the pod was changed concurrently/,
        /controller/
      )
    })
  )

  it.live.each(["<html>", '{"kind":"PodList"}', ""])("a write that is answered with %s was not made", (body) =>
    Effect.gen(function* () {
      const { addition, annotations, server } = yield* bench()
      server.fail({ method: "PUT", does: { status: 200, body } })
      gives(yield* Effect.flip(addition), ErrorCodes.ApiServer, /the response is not a pod/, /./)
      assert.deepStrictEqual(annotations(), { color: "blue" })
    })
  )

  const final: ReadonlyArray<readonly [string, Fault["does"], number, RegExp]> = [
    ["410", { status: 410 }, ErrorCodes.ApiServer, /the pod does not exist/],
    [
      "422",
      { status: 422, message: 'admission webhook "no.example" denied\nthe request' },
      ErrorCodes.ApiServer,
      /422: admission webhook "no.example" denied the request/
    ],
    ["a redirection", { status: 302, message: "elsewhere" }, ErrorCodes.ApiServer, /302: elsewhere/],
    ["another server's page", { status: 404, body: "<html>" }, ErrorCodes.ApiServer, /the pod does not exist/],
    ["no pod", { status: 200, body: '{"kind":"PodList"}' }, ErrorCodes.ApiServer, /the response is not a pod/],
    ["no JSON", { status: 200, body: "<html>" }, ErrorCodes.ApiServer, /the response is not a pod/],
    ["five megabytes", { status: 200, body: "x".repeat(5 << 20) }, ErrorCodes.ApiServer, /more than 4194304 bytes/],
    ["no words", { status: 400, body: "" }, ErrorCodes.ApiServer, /400: \(no message\)/]
  ]
  it.live.each(final)("%s", ([, does, code, failed]) =>
    Effect.gen(function* () {
      const { asked, read, server } = yield* bench()
      server.fail({ does })
      gives(yield* Effect.flip(read), code, failed, /./)
      assert.lengthOf(asked(), 1)
    })
  )

  it.live("annotations that are too long are refused with the server's words", () =>
    Effect.gen(function* () {
      const { annotations, pod, server } = yield* bench()
      const path = join(yield* directory, "kubeconfig")
      writeFileSync(path, kubeconfigText({ server: server.url, token: "letmein" }))
      const live = Layer.provide(Pods.layer({ kubeconfig: path }), [Files.layer, NodeHttps.layer])
      const error = yield* Effect.flatMap(Pods, ({ annotate }) =>
        annotate(pod, () => ({ mine: "x".repeat(1 << 18) }))
      ).pipe(Effect.provide(live), Effect.flip)
      gives(
        error,
        ErrorCodes.ApiServer,
        /422: Pod "web" is invalid: metadata.annotations: Too long/,
        /rejected the change/
      )
      assert.deepStrictEqual(annotations(), { color: "blue" })
    })
  )

  it.live("ends the request when it is interrupted", () =>
    Effect.gen(function* () {
      const { asked, read, server } = yield* bench()
      server.fail({ does: "silence" })
      yield* Effect.raceFirst(
        Effect.ignore(read),
        untilTrue("a request", () => asked().length > 0)
      )
      assert.deepStrictEqual(asked(), ["GET 0"])
    })
  )
})
