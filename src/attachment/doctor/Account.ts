/**
 * The credentials of this node's networks, and their rights in the API server. Reads one pod, and writes nothing: a
 * write is requested with `dryRun`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Pod } from "../../identity/Attachment.ts"
import { dataKey } from "../../identity/ConfigurationData.ts"
import { type Expiry, expiriesOf, readAccess } from "../../kubernetes/Credentials.ts"
import { fileOf, type Origin } from "../../kubernetes/Origin.ts"
import type { PodDocument } from "../../kubernetes/PodDocument.ts"
import { Pods } from "../../kubernetes/Pods.ts"
import type { PodsError } from "../../kubernetes/PodsError.ts"
import { Files } from "../../platform/Files.ts"
import { found, type Judged, together, unknown, unseen, well } from "./findings/Finding.ts"

interface Account {
  readonly file: string
  readonly now: number
  readonly expiries: ReadonlyArray<Expiry>
  /** Undefined: there is no pod to read. */
  readonly read: Result.Result<PodDocument, PodsError> | undefined
  readonly pod: Pod | undefined
  /** Undefined: it was not tried. */
  readonly write: Result.Result<void, PodsError> | undefined
  /** Why there are no credentials. */
  readonly problem: string | undefined
}

/** `asked`: the requested pod, for which a write is tried with `dryRun`. */
export const look = Effect.fnUntraced(function* (origin: Origin, pod: Pod | undefined, asked: boolean) {
  const access = yield* Effect.result(readAccess(yield* Files, origin))
  const account: Account = {
    ...{ file: fileOf(origin), now: yield* Clock.currentTimeMillis, pod, read: undefined, write: undefined },
    expiries: Result.isSuccess(access) ? expiriesOf(access.success) : [],
    problem: Result.isSuccess(access) ? undefined : `${access.failure.path} ${access.failure.problem}`
  }
  if (pod === undefined || Result.isFailure(access)) return account
  return yield* Effect.gen(function* () {
    const pods = yield* Pods
    const read = yield* Effect.result(pods.read(pod))
    const write =
      asked && Result.isSuccess(read)
        ? yield* Effect.result(pods.rehearse(pod, rehearsed(read.success), read.success))
        : undefined
    return { ...account, read, write }
  }).pipe(Effect.provide(Pods.layer(origin)))
})

/** The annotations of an ADD, as far as a policy inspects them. */
const rehearsed = ({ annotations }: PodDocument) => ({
  [dataKey]: annotations[dataKey] ?? "[]",
  "userspace/mapped-dir": annotations["userspace/mapped-dir"] ?? "/var/lib/cni/usrspcni/"
})

const hour = 3_600_000

export const linkOf = ({ file }: Pick<Account, "file">): string => `credentials in ${file}`

export const judge = ({ expiries, file, now, pod, problem, read, write }: Account): Judged => {
  const link = linkOf({ file })
  if (problem !== undefined) return found(link, "kubeconfig-unusable", problem)
  const ends = expiries.flatMap(({ at, what }) => (at === undefined ? [] : [{ at, what }]))
  const over = ends.find(({ at }) => at <= now)
  const soon = ends.find(({ at }) => at > now && at - now < hour)
  const time = (at: number) => new Date(at).toISOString()
  if (over !== undefined) return found(link, "credentials-expired", `${over.what} expired at ${time(over.at)}`)
  return together([
    soon === undefined
      ? well(link, ends.map(({ at, what }) => `${what} is valid until ${time(at)}`).join(", ") || "they do not expire")
      : found(link, "credentials-expire", `${soon.what} expires at ${time(soon.at)}`),
    read === undefined || pod === undefined
      ? unknown("API server", "not asked: no pod of a recorded attachment uses these credentials")
      : Result.isSuccess(read)
        ? well("API server", `pod ${pod.namespace}/${pod.name} can be read`)
        : ofFailure("API server", read.failure, "pods-not-readable", file, pod),
    write === undefined || pod === undefined
      ? well(link, "rights to annotate pods are only asked for with --pod")
      : Result.isSuccess(write)
        ? well("API server", `pod ${pod.namespace}/${pod.name} can be annotated`)
        : ofFailure("API server", write.failure, "pods-not-writable", file, pod)
  ])
}

const ofFailure = (
  link: string,
  error: PodsError,
  forbidden: "pods-not-readable" | "pods-not-writable",
  file: string,
  { name, namespace }: Pod
): Judged => {
  const words = error.failed
  switch (error.reason._tag) {
    case "Unauthorized":
      return found(link, "credentials-expired", words)
    case "Forbidden":
      return found(link, forbidden, words)
    case "NotFound":
    case "Replaced":
      return found(link, "pod-missing", words, { name, namespace })
    case "Refused":
      return found(link, "annotations-denied", words)
    case "NoAccess":
      return found(link, "kubeconfig-unusable", words)
    case "Unreachable":
    case "TooSlow":
    case "Untrusted":
    case "Garbage":
      return found(link, "api-server-away", words, { file })
    default:
      return unseen(link, words)
  }
}
