/**
 * The API server as `verify` uses it: versions, the objects of nodes, and what is made in one namespace. Each failure is in
 * three parts, with the right that is missing.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { ask, persist, type Wanted } from "../kubernetes/ApiServer.ts"
import { readAccess } from "../kubernetes/Credentials.ts"
import type { Origin } from "../kubernetes/Origin.ts"
import { PodsError, type Reason } from "../kubernetes/PodsError.ts"
import { Files } from "../platform/Files.ts"
import { Https } from "../platform/Https.ts"

export class VerifyError extends Data.TaggedError("VerifyError")<{
  readonly failed: string
  readonly answer: string
  readonly cure: string
  readonly reason?: Reason["_tag"]
}> {
  override get message(): string {
    return `${this.failed}: ${this.answer}`
  }
}

/** What is asked, in words, and the right that it takes. */
interface Asked {
  readonly operation: string
  readonly right: string
}

export class Cluster extends Context.Service<
  Cluster,
  {
    readonly get: <A>(
      asked: Asked,
      path: string,
      decode: (body: string) => Option.Option<A>
    ) => Effect.Effect<A, VerifyError>
    /** Tried again, one that exists is its own, whose answer was lost. */
    readonly create: (asked: Asked, path: string, object: object) => Effect.Effect<void, VerifyError>
    /** What is gone already is deleted. */
    readonly remove: (asked: Asked, path: string) => Effect.Effect<void, VerifyError>
    /** Text of an agent's metrics, without TLS and without credentials. Undefined: it cannot be reached. */
    readonly metrics: (host: string) => Effect.Effect<string | undefined>
  }
>()("userspace-cni/Cluster") {}

const metricsLimit = 16 << 20

export const make = Effect.fnUntraced(function* (origin: Origin) {
  const files = yield* Files
  const https = yield* Https
  let server = ""

  const once = Effect.fnUntraced(function* (wanted: Wanted) {
    // Each time, because the token of a pod is renewed.
    const access = yield* Effect.mapError(
      readAccess(files, origin),
      (problem): Reason => ({ _tag: "NoAccess", ...problem })
    )
    server = access.server
    return yield* ask(https, access, wanted)
  })

  const explained =
    ({ operation, right }: Asked) =>
    (reason: Reason) =>
      explain(operation, right, server, reason)

  return Cluster.of({
    get: (asked, path, decode) =>
      persist(once({ method: "GET", path })).pipe(
        Effect.flatMap((body) =>
          Effect.mapError(
            Effect.fromOption(decode(body)),
            (): Reason => ({ _tag: "Garbage", problem: "the answer is not of this resource" })
          )
        ),
        Effect.mapError(explained(asked))
      ),
    create: Effect.fnUntraced(function* (asked, path, object) {
      const attempt = { tried: 0 }
      const creation = Effect.suspend(() => {
        attempt.tried++
        return once({ method: "POST", path, body: JSON.stringify(object) })
      })
      // The first attempt may have succeeded, its answer lost: then the second one finds the object.
      const judged = Effect.catchIf(
        Effect.asVoid(creation),
        ({ _tag }) => _tag === "Conflict" && attempt.tried > 1,
        () => Effect.void
      )
      const first = Effect.mapError(judged, (reason) => (reason._tag === "Conflict" ? exists : reason))
      yield* Effect.mapError(persist(first), explained(asked))
    }),
    remove: (asked, path) =>
      persist(once({ method: "DELETE", path })).pipe(
        Effect.asVoid,
        Effect.catchIf(
          ({ _tag }) => _tag === "NotFound",
          () => Effect.void
        ),
        Effect.mapError(explained(asked))
      ),
    metrics: (host) =>
      https
        .send({
          method: "GET",
          url: `http://${host.includes(":") ? `[${host}]` : host}:9464/metrics`,
          headers: {},
          body: undefined,
          tls: { ca: undefined, client: undefined, verify: true, serverName: undefined },
          limit: metricsLimit
        })
        .pipe(
          Effect.map(({ body, status }) => (status === 200 ? body : undefined)),
          Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => Effect.undefined }),
          Effect.orElseSucceed(() => undefined)
        )
  })
})

/** Not worth another attempt, which `Conflict` would be. */
const exists: Reason = { _tag: "Refused", status: 409, said: "it exists already" }

const explain = (operation: string, right: string, server: string, reason: Reason): VerifyError => {
  const { cure, failed } = new PodsError({ server, operation, reason })
  return new VerifyError({
    failed: `cannot ${operation}`,
    answer: reason._tag === "NotFound" ? `404 Not Found on ${server}` : failed,
    cure: curesOf(right)[reason._tag] ?? cure,
    reason: reason._tag
  })
}

const curesOf = (right: string): { readonly [K in Reason["_tag"]]?: string } => ({
  NotFound: `Check that the cluster has this resource (${right}): Multus brings network-attachment-definitions, examples/kubernetes brings userspacenodes.`,
  Forbidden: `Allow the kubeconfig's user to ${right}. With --namespace the rights in examples/kubernetes/verify.yaml are enough.`,
  Refused: "Read the message: the API server or an admission webhook refused it.",
  NoAccess:
    "Name a kubeconfig with --kubeconfig. One that starts a program for its credentials cannot be used: make one with a token."
})
