/**
 * The parts of a kubeconfig that are needed to reach one API server: its current context, cluster and user. Pure:
 * `Credentials.ts` reads the files. Kubernetes: client-go, tools/clientcmd/api/v1.
 */
import { isAbsolute, join } from "node:path"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeFormatterStandardSchemaV1 } from "effect/SchemaIssue"

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
export type Source = { readonly text: string } | { readonly file: string }

/** How to reach the API server, with files still to be read. */
export interface Plan {
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
export const readKubeconfig = (value: unknown, directory: string): Problem<Plan> => {
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
