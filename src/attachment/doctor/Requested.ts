/** A network given by a person: whether an ADD of it would succeed, and a pod has what it needs. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { mappedDirOf, volumeName, volumeOf } from "../../container-config/PodContainerConfig.ts"
import type { Pod } from "../../identity/Attachment.ts"
import type { IpamError } from "../../ipam/Ipam.ts"
import { Ipam } from "../../ipam/Ipam.ts"
import type { PodDocument } from "../../kubernetes/PodDocument.ts"
import { listOf, objectOf, parsed } from "../../platform/text/Json.ts"
import { Deadlines } from "../../program/Step.ts"
import { delegation, type NetworkCall } from "../Call.ts"
import { found, type Judged, nothing, together, unseen, well } from "./findings/Finding.ts"

/** Undefined: the network has none. A text: it timed out. */
export const lookAtIpam = Effect.fnUntraced(function* (call: NetworkCall) {
  const ipam = yield* Ipam
  const delegate = delegation(call)
  if (delegate === undefined) return undefined
  const { status: seconds } = yield* Deadlines
  return yield* Effect.result(ipam.status(delegate)).pipe(
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.succeed(`no answer within ${seconds} s`)
    })
  )
})

export const judgeIpam = (
  { configuration, environment, network }: NetworkCall,
  seen: Effect.Success<ReturnType<typeof lookAtIpam>>,
  file: string
): Judged => {
  const link = `IPAM plugin of network ${network}`
  if (seen === undefined) return well(link, "none is configured")
  if (typeof seen === "string") return unseen(link, seen)
  if (Result.isSuccess(seen)) return well(link, `${configuration.netConf.ipam?.type ?? ""} is ready`)
  return ofIpam(link, seen.failure, environment.path, file)
}

const ofIpam = (link: string, error: IpamError, path: ReadonlyArray<string>, file: string): Judged =>
  error.reason._tag === "NotFound"
    ? found(link, "ipam-plugin-missing", error.failed, { path: path[0] ?? "" })
    : found(link, "ipam-plugin-fails", error.failed, { file })

/** The pod's own part: its volume, and its request to Multus. */
export const judgePod = (document: PodDocument, { name, namespace, uid }: Pod, needsVolume: boolean): Judged => {
  const link = `pod ${namespace}/${name}`
  const values = { name, namespace }
  const volume = volumeOf(document, uid === "" ? document.uid : uid)
  const mapped = mappedDirOf(document)
  const noVolume = Result.isFailure(volume)
    ? volume.failure.problem
    : volume.success === undefined
      ? `the pod has no volume named ${volumeName}`
      : Result.isFailure(mapped)
        ? mapped.failure.problem
        : undefined
  return together([
    noVolume === undefined
      ? well(link, `it has a volume ${volumeName}`)
      : needsVolume
        ? found(link, "pod-without-volume", noVolume, values)
        : nothing,
    ...twice(document.annotations["k8s.v1.cni.cncf.io/networks"] ?? "").map((words) =>
      found(link, "interface-requested-twice", words, values)
    )
  ])
}

/** `a@net1, b`, or a list of objects: returns the interface names that occur more than once. */
export const twice = (annotation: string): ReadonlyArray<string> => {
  const names = annotation.trim().startsWith("[") ? fromJson(annotation) : fromText(annotation)
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map(
    (name) => `${names.filter((one) => one === name).length} networks of its annotation have the interface name ${name}`
  )
}

const fromText = (annotation: string): ReadonlyArray<string> =>
  annotation.split(",").flatMap((one) => {
    const [, name] = one.trim().split("@")
    return name === undefined || name === "" ? [] : [name]
  })

const fromJson = (annotation: string): ReadonlyArray<string> =>
  listOf(parsed(annotation)).flatMap((one) => {
    const { interface: name } = objectOf(one)
    return Predicate.isString(name) && name !== "" ? [name] : []
  })
