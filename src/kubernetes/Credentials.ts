/**
 * Credentials for the API server: the parts of a kubeconfig that are needed to reach one, and every file that they refer
 * to. They are read for each call, because tokens and certificates are renewed. Kubernetes: client-go,
 * tools/clientcmd/api/v1.
 */
import { X509Certificate } from "node:crypto"
import { dirname, isAbsolute, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeFormatterStandardSchemaV1 } from "effect/SchemaIssue"
import { type FileError, type Files, leadsTo } from "../platform/Files.ts"
import type { Tls } from "../platform/Https.ts"
import { account, fileOf, type Origin } from "./Origin.ts"

export interface Access {
  readonly server: string
  readonly tls: Tls
  readonly token: Redacted.Redacted<string> | undefined
  /** Settings that work but are unsafe. */
  readonly warnings: ReadonlyArray<string>
}

/** Why there are no credentials: a file, and its problem. */
interface NoAccess {
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

/** Go writes nil as null. Null and the empty text mean absent. */
const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const text = optional(Schema.String)

const Cluster = Schema.Struct({
  server: text,
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": optional(Schema.Boolean),
  "tls-server-name": text,
  "proxy-url": text
})

const User = Schema.Struct({
  token: text,
  tokenFile: text,
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  username: text,
  as: text,
  exec: optional(Schema.Unknown),
  "auth-provider": optional(Schema.Unknown)
})

const Context = Schema.Struct({ cluster: text, user: text, namespace: text })

const Config = Schema.Struct({
  "current-context": text,
  contexts: optional(Schema.Array(Schema.Struct({ name: Schema.String, context: optional(Context) }))),
  clusters: optional(Schema.Array(Schema.Struct({ name: Schema.String, cluster: optional(Cluster) }))),
  users: optional(Schema.Array(Schema.Struct({ name: Schema.String, user: optional(User) })))
})

/** A text, or the file that contains it. */
type Source = { readonly text: string } | { readonly file: string }

/** How to reach the API server, with files still to be read. */
interface Plan {
  /** Without a slash at the end; it may have a path. */
  readonly server: string
  readonly ca: Source | undefined
  readonly verify: boolean
  readonly serverName: string | undefined
  readonly token: Source | undefined
  readonly client: { readonly cert: Source; readonly key: Source } | undefined
}

type Problem<A> = Result.Result<A, string>

const decode = Schema.decodeUnknownResult(Config)

/** `directory`: base of relative paths. Failures are described in words, without secrets. */
const readKubeconfig = (value: unknown, directory: string): Problem<Plan> => {
  const decoded = decode(value)
  if (Result.isFailure(decoded)) {
    const [issue] = makeFormatterStandardSchemaV1()(decoded.failure.issue).issues
    const path = (issue?.path ?? []).map((part) => (typeof part === "object" ? part.key : part)).map(String)
    return Result.fail(path.length === 0 ? "is not a kubeconfig" : `${path.join(".")} is invalid`)
  }
  const { "current-context": current, clusters, contexts, users } = decoded.success
  if (!current) return Result.fail("has no current-context")
  return Result.gen(function* () {
    const { context } = yield* named("context", contexts, current)
    const { cluster } = yield* named("cluster", clusters, context?.cluster)
    // A context may have no user: `kubectl proxy` needs none.
    const { user } = context?.user ? yield* named("user", users, context.user) : { user: undefined }
    return yield* planFor(cluster ?? {}, user ?? {}, directory)
  })
}

const named = <A extends { readonly name: string }>(
  kind: string,
  all: ReadonlyArray<A> | null | undefined,
  wanted: string | null | undefined
): Problem<A> => {
  const found = all?.find(({ name }) => name === wanted)
  if (found !== undefined) return Result.succeed(found)
  const there = (all ?? []).map(({ name }) => name).join(", ")
  return Result.fail(`has no ${kind} ${JSON.stringify(wanted ?? "")} (${there === "" ? "none at all" : there})`)
}

const planFor = (cluster: typeof Cluster.Type, user: typeof User.Type, directory: string): Problem<Plan> => {
  const unsupported = (["exec", "auth-provider", "username", "as"] as const).filter((key) => user[key])
  if (unsupported.length > 0) {
    return Result.fail(`its user has ${unsupported.join(", ")}, and only a token or a client certificate is supported`)
  }
  if (cluster["proxy-url"]) return Result.fail("its cluster has proxy-url, which is not supported")
  const server = serverOf(cluster.server ?? "")
  if (Result.isFailure(server)) return Result.fail(`its cluster's server ${server.failure}`)
  const source = (inline: string | null | undefined, file: string | null | undefined): Source | undefined =>
    inline
      ? { text: Buffer.from(inline, "base64").toString("utf8") }
      : file
        ? { file: isAbsolute(file) ? file : join(directory, file) }
        : undefined
  const cert = source(user["client-certificate-data"], user["client-certificate"])
  const key = source(user["client-key-data"], user["client-key"])
  if ((cert === undefined) !== (key === undefined)) {
    return Result.fail("its user has a client certificate without its key, or a key without its certificate")
  }
  return Result.succeed({
    server: server.success,
    ca: source(cluster["certificate-authority-data"], cluster["certificate-authority"]),
    verify: cluster["insecure-skip-tls-verify"] !== true,
    serverName: cluster["tls-server-name"] || undefined,
    // The file takes precedence, because it is renewed.
    token: source(undefined, user.tokenFile) ?? (user.token ? { text: user.token } : undefined),
    client: cert === undefined || key === undefined ? undefined : { cert, key }
  })
}

/** Returns the server without a slash at its end: requests append to it, and errors show it. */
const serverOf = (text: string): Problem<string> => {
  const url = /^https?:\/\/[^/]/.test(text) && text.length <= 2048 && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return Result.fail(`${JSON.stringify(text.slice(0, 200))} is not an https:// URL`)
  if (url.username !== "" || url.password !== "")
    return Result.fail("contains a user or a password, which is not supported")
  if (/[?#]/.test(text)) return Result.fail(`${JSON.stringify(text)} contains more than a host, a port and a path`)
  return Result.succeed(text.replace(/\/+$/, ""))
}
