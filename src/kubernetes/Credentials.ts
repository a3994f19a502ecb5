/**
 * Credentials for the API server, with every file that they refer to. They are read for each call, because tokens and
 * certificates are renewed.
 */
import { X509Certificate } from "node:crypto"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type FileError, type Files, leadsTo } from "../platform/Files.ts"
import type { Tls } from "../platform/Https.ts"
import { type Plan, readKubeconfig, type Source } from "./Kubeconfig.ts"
import { account, fileOf, type Origin } from "./Origin.ts"

export interface Access {
  readonly server: string
  readonly tls: Tls
  readonly token: Redacted.Redacted<string> | undefined
  /** Settings that work but are unsafe. */
  readonly warnings: ReadonlyArray<string>
}

/** Why there are no credentials: a file, and its problem. */
export interface NoAccess {
  readonly path: string
  readonly problem: string
  /** True: the first file does not exist. */
  readonly missing: boolean
}

type Fs = Files["Service"]

const limit = 1 << 20

export const readAccess = Effect.fn("Credentials.read")(function* (files: Fs, origin: Origin) {
  const main = fileOf(origin)
  const plan = "kubeconfig" in origin ? yield* planOf(files, origin.kubeconfig) : inCluster(origin)
  const get = (source: Source) => ("text" in source ? Effect.succeed(source.text) : read(files, source.file))
  const wrong = (source: Source, problem: string) => bad("file" in source ? source.file : main, problem)
  const ca = plan.ca === undefined ? undefined : yield* get(plan.ca)
  if (plan.ca !== undefined && !ca?.includes("-----BEGIN ")) {
    return yield* Effect.fail(wrong(plan.ca, "its certificate authority is not in PEM form"))
  }
  const token = plan.token === undefined ? undefined : (yield* get(plan.token)).trim()
  if (plan.token !== undefined && !/^[\x21-\x7e]+$/.test(token ?? "")) {
    return yield* Effect.fail(wrong(plan.token, "its token is empty or contains blanks"))
  }
  const client =
    plan.client === undefined ? undefined : { cert: yield* get(plan.client.cert), key: yield* get(plan.client.key) }
  const access: Access = {
    server: plan.server,
    tls: { ca: plan.verify ? ca : undefined, client, verify: plan.verify, serverName: plan.serverName },
    token: token === undefined ? undefined : Redacted.make(token),
    warnings: warnings(plan, main)
  }
  return access
})

const planOf = Effect.fnUntraced(function* (files: Fs, path: string) {
  const there = yield* Effect.orElseSucceed(files.lstat(path), () => undefined)
  const text = yield* Effect.mapError(follow(files, path), (error) =>
    unreadable(path, error, error.code === "ENOENT" && there === undefined)
  )
  const value = yield* Effect.mapError(parse(text), (problem) => bad(path, problem))
  return yield* Effect.fromResult(
    Result.mapError(readKubeconfig(value, dirname(path)), (problem) => bad(path, problem))
  )
})

const inCluster = ({ host, port }: { readonly host: string; readonly port: string }): Plan => ({
  server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
  ca: { file: `${account}/ca.crt` },
  verify: true,
  serverName: undefined,
  token: { file: `${account}/token` },
  client: undefined
})

/** JSON is a subset of YAML, and needs no library. */
const parse = (text: string): Effect.Effect<unknown, string> => {
  if (text.trim() === "") return Effect.fail("is empty")
  const json = Result.try((): unknown => JSON.parse(text))
  if (Result.isSuccess(json)) return Effect.succeed(json.success)
  return Effect.flatMap(
    Effect.promise(() => import("js-yaml")),
    ({ load }) => Effect.try({ try: (): unknown => load(text), catch: (cause) => `is not YAML${positionOf(cause)}` })
  )
}

/** The position of the parse error, without quoted text, which may contain a secret. */
const positionOf = (cause: unknown): string => {
  const [, line, column] = /\((\d+):(\d+)\)/.exec(cause instanceof Error ? cause.message : "") ?? []
  return line === undefined ? "" : ` (line ${line}, column ${column})`
}

const bad = (path: string, problem: string, missing = false): NoAccess => ({ path, problem, missing })

const unreadable = (path: string, { code }: FileError, missing = false) => bad(path, `cannot be read: ${code}`, missing)

const read = (files: Fs, path: string) => Effect.mapError(follow(files, path), (error) => unreadable(path, error))

/** Follows links, which kubelet and others use to renew files. The kernel resolves the directories. */
const follow = (files: Fs, path: string, links = 10): Effect.Effect<string, FileError> =>
  files.read(path, limit).pipe(
    Effect.catchIf(
      ({ code }) => code === "ELOOP" && links > 0,
      () => Effect.flatMap(files.readLink(path), (target) => follow(files, leadsTo(path, target), links - 1))
    )
  )

const warnings = ({ server, verify }: Plan, path: string): ReadonlyArray<string> => [
  ...(verify ? [] : [`${path} has insecure-skip-tls-verify: the identity of ${server} is not verified`]),
  ...(server.startsWith("http:") ? [`${path} connects to ${server} without TLS: the traffic is not encrypted`] : [])
]

export interface Expiry {
  readonly what: "the token" | "the client certificate"
  /** Milliseconds since 1970; undefined: unknown. */
  readonly at: number | undefined
}

export const expiriesOf = ({ tls, token }: Pick<Access, "tls" | "token">): ReadonlyArray<Expiry> => [
  { what: "the token", at: token === undefined ? undefined : expiryOfToken(Redacted.value(token)) },
  { what: "the client certificate", at: tls.client === undefined ? undefined : expiryOfCertificate(tls.client.cert) }
]

const Claims = Schema.fromJsonString(Schema.Struct({ exp: Schema.Finite }))
const decodeClaims = Schema.decodeUnknownOption(Claims)

/** The claim `exp` (RFC 7519, 4.1.4). Other tokens have no expiry that can be read. */
const expiryOfToken = (token: string): number | undefined => {
  const claims = decodeClaims(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"))
  return Option.isSome(claims) && Math.abs(claims.value.exp) < 8e12 ? claims.value.exp * 1000 : undefined
}

const expiryOfCertificate = (pem: string): number | undefined =>
  Result.getOrUndefined(Result.try(() => new X509Certificate(pem).validToDate.getTime()))
