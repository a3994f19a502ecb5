/**
 * What belongs to no single attachment: memory, directories, credentials, addresses, Multus, and the requested network.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Configuration } from "../../cni/network/Configuration.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { Pod } from "../../identity/Attachment.ts"
import { fileOf, type Origin, originOf } from "../../kubernetes/Origin.ts"
import { Files, orElse } from "../../platform/Files.ts"
import { CurrentUser, type Identity } from "../../platform/process/CurrentUser.ts"
import type { NetworkCall } from "../Call.ts"
import { Records } from "../records/Records.ts"
import * as Account from "./Account.ts"
import { found, isDenied, type Judged, nothing, together, unseen, well } from "./findings/Finding.ts"
import * as Leases from "./Leases.ts"
import * as Multus from "./Multus.ts"
import * as Requested from "./Requested.ts"

export interface Network {
  readonly call: NetworkCall
  /** The file of the network. */
  readonly file: string
}

interface OfNode {
  readonly variables: Variables
  readonly network: Network | undefined
  /** The requested pod. */
  readonly pod: Pod | undefined
  /** The configurations and pods of the recorded attachments. */
  readonly recorded: ReadonlyArray<{ readonly configuration: Configuration; readonly pod: Pod | undefined }>
  /** Containers with an attachment; undefined: the records cannot be read. */
  readonly containers: ReadonlySet<string> | undefined
  readonly light: boolean
}

export const examine = Effect.fn("doctor.node")(function* (asked: OfNode) {
  const configurations = [
    ...asked.recorded.map(({ configuration }) => configuration),
    ...(asked.network === undefined ? [] : [asked.network.call.configuration])
  ]
  const user = yield* CurrentUser
  return together([
    permissions(user),
    ofHugepages(yield* hugepagePools),
    yield* stateDirectory(user),
    Multus.judge(yield* Multus.look),
    yield* leases(configurations, asked.containers),
    yield* credentials(asked, user),
    asked.network === undefined
      ? nothing
      : Requested.judgeIpam(asked.network.call, yield* Requested.lookAtIpam(asked.network.call), asked.network.file)
  ])
})

const permissions = ({ uid }: Identity): Judged =>
  uid === 0
    ? nothing
    : unseen("permissions", `this process has uid ${uid}, and not everything can be seen: run it as root`)

const stateDirectory = Effect.fnUntraced(function* (user: Identity) {
  const records = yield* Records
  const writable = yield* Effect.result(records.writable)
  const damaged = yield* Effect.result(records.damaged)
  const link = "state directory"
  return together([
    Result.isSuccess(writable)
      ? well(link, records.stateDir)
      : isOnlyDenied(user, writable.failure.failed)
        ? unseen(link, writable.failure.failed)
        : found(link, "state-directory-not-writable", writable.failure.failed, { path: records.stateDir }),
    Result.isSuccess(damaged)
      ? together(damaged.success.map(({ error }) => found(link, "record-damaged", error.failed)))
      : unseen(link, damaged.failure.failed)
  ])
})

const leases = Effect.fnUntraced(function* (
  configurations: ReadonlyArray<Configuration>,
  containers: OfNode["containers"]
) {
  const asked = new Map(
    configurations.flatMap(({ text }) => {
      const one = Leases.asked(text)
      return one === undefined ? [] : [[one.directory, one] as const]
    })
  )
  return together(
    yield* Effect.forEach(asked.values(), (one) =>
      Effect.match(Leases.look(one), {
        onFailure: (error) => Leases.judge({ network: one.network, failed: error.message }, containers),
        onSuccess: (seen) => Leases.judge(seen, containers)
      })
    )
  )
})

/** To this process, and not to a runtime's, which is root's: that is no finding. */
const isOnlyDenied = ({ uid }: Identity, words: string): boolean => uid !== 0 && isDenied(words)

/** The path that the DaemonSet writes. */
export const installed = "/etc/cni/net.d/userspace.kubeconfig"

const credentials = Effect.fnUntraced(function* ({ light, network, pod, recorded, variables }: OfNode, user: Identity) {
  const files = yield* Files
  const origins = new Map<string, { readonly origin: Origin; readonly pod: Pod | undefined }>()
  const add = (origin: Origin | undefined, of: Pod | undefined) => {
    if (origin !== undefined && !origins.has(fileOf(origin))) origins.set(fileOf(origin), { origin, pod: pod ?? of })
  }
  if (network !== undefined) add(originOf(network.call.configuration.netConf.kubeconfig, variables), undefined)
  for (const { configuration, pod: own } of recorded) {
    if (own !== undefined && configuration.netConf.kubeconfig !== undefined) {
      add({ kubeconfig: configuration.netConf.kubeconfig }, own)
    }
  }
  const there = yield* Effect.orElseSucceed(files.lstat(installed), () => undefined)
  if (there !== undefined) add({ kubeconfig: installed }, undefined)
  return together(
    yield* Effect.forEach(origins.values(), ({ origin, pod: of }) =>
      Effect.map(Account.look(origin, light ? undefined : of, pod !== undefined), (account) =>
        together([
          account.problem !== undefined && isOnlyDenied(user, account.problem)
            ? unseen(Account.linkOf(account), account.problem)
            : Account.judge(account),
          pod === undefined || account.read === undefined || Result.isFailure(account.read)
            ? nothing
            : Requested.judgePod(account.read.success, pod, needsVolume(network))
        ])
      )
    )
  )
})

const needsVolume = (network: Network | undefined): boolean =>
  network?.call.configuration.netConf.kubeconfig !== undefined &&
  network.call.configuration.netConf.sharedDir === undefined

interface Pool {
  readonly kilobytes: number
  readonly total: number
  readonly free: number
}

const hugepagesDirectory = "/sys/kernel/mm/hugepages"
const hugepagesLink = "hugepages"

/** Undefined: the kernel does not report them. */
const hugepagePools = Effect.gen(function* () {
  const files = yield* Files
  const number = (path: string) => Effect.map(files.read(path, 1 << 16), (text) => Number(text.trim()))
  // A kernel without them has no such directory.
  const names = yield* orElse("ENOENT", [])(files.list(hugepagesDirectory))
  return yield* Effect.forEach(
    names.flatMap((name) => /^hugepages-(\d+)kB$/.exec(name)?.slice(1) ?? []),
    (size) =>
      Effect.gen(function* () {
        const pool: Pool = {
          kilobytes: Number(size),
          total: yield* number(`${hugepagesDirectory}/hugepages-${size}kB/nr_hugepages`),
          free: yield* number(`${hugepagesDirectory}/hugepages-${size}kB/free_hugepages`)
        }
        return pool
      })
  )
}).pipe(Effect.orElseSucceed((): ReadonlyArray<Pool> | undefined => undefined))

export const ofHugepages = (pools: ReadonlyArray<Pool> | undefined): Judged => {
  if (pools === undefined) return unseen(hugepagesLink, `${hugepagesDirectory} cannot be read`)
  const reserved = pools.filter(({ total }) => total > 0)
  if (reserved.length === 0) return found(hugepagesLink, "hugepages-missing", "none are reserved")
  const words = reserved.map(({ free, kilobytes, total }) => `${free} of ${total} pages of ${kilobytes} kB are free`)
  return reserved.every(({ free }) => free === 0)
    ? found(hugepagesLink, "hugepages-used-up", words.join(", "))
    : well(hugepagesLink, words.join(", "))
}
