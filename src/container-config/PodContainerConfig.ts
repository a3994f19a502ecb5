/**
 * {@link ContainerConfig} with an API server: files go to a volume of the pod, and the container config is in the pod's
 * annotations and in the file beside the socket. kubelet updates annotations late, and those of a static pod never; the
 * file exists before the container starts. ADD reads the pod once and writes on that version; so does DEL.
 */
import { normalize } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { isAbsolutePath } from "../cni/network/Validators.ts"
import type { Attachment, Pod } from "../identity/Attachment.ts"
import { fileText, isFor, isOfAttachment, mappedDirKey } from "../identity/ConfigurationData.ts"
import type { Origin } from "../kubernetes/Origin.ts"
import { elementsOf, isPluginsOwn, put, remove } from "../kubernetes/PodAnnotations.ts"
import type { PodDocument } from "../kubernetes/PodDocument.ts"
import { Pods } from "../kubernetes/Pods.ts"
import { PodsError } from "../kubernetes/PodsError.ts"
import { Files } from "../platform/Files.ts"
import type { Https } from "../platform/Https.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import type { Volume } from "../shared-dir/SocketPaths.ts"
import { ContainerConfig, defaultMappedDir } from "./ContainerConfig.ts"
import { deviceInformation } from "./DeviceInfo.ts"

interface Options {
  readonly attachment: Attachment
  readonly pod: Pod
  readonly origin: Origin
  /** The network's directory, for pods without a volume. */
  readonly sharedDir: string | undefined
}

export const layer = (options: Options): Layer.Layer<ContainerConfig, never, Files | Https | SharedDir> =>
  Layer.effect(
    ContainerConfig,
    Effect.suspend(() => make(options))
  ).pipe(Layer.provide(Pods.layer(options.origin)))

const make = Effect.fnUntraced(function* ({ attachment, pod, sharedDir }: Options) {
  const files = yield* Files
  const pods = yield* Pods
  const shared = yield* SharedDir
  const name = `${pod.namespace}/${pod.name}`

  // The last pod that was read and not yet written. A write starts from it, once: after a failed write only a new read
  // shows the pod's state.
  let seen: PodDocument | undefined
  let mappedDir = defaultMappedDir
  const look = Effect.tap(pods.read(pod), (document) =>
    Effect.sync(() => {
      seen = document
      mappedDir = Result.getOrElse(mappedDirOf(document), () => defaultMappedDir)
    })
  )
  const takeSeen = Effect.sync(() => {
    const document = seen
    seen = undefined
    return document
  })

  const refuse = (problem: Problem) =>
    new PodsError({ server: "", operation: `inspect pod ${name}`, reason: { _tag: "NoSharedDir", ...problem } })

  const podMount = Effect.gen(function* () {
    const document = yield* look
    const volume = yield* Effect.fromResult(Result.mapError(volumeOf(document, pod.uid || document.uid), refuse))
    if (volume === undefined && sharedDir === undefined) return yield* refuse(noVolume)
    return { volume, mappedDir: yield* Effect.fromResult(Result.mapError(mappedDirOf(document), refuse)) }
  })

  const oldVolumes = Effect.map(Effect.result(look), (read) => {
    const found = Result.flatMap(read, (document) => volumeOf(document, pod.uid || document.uid))
    if (Result.isSuccess(found)) return found.success === undefined ? [] : [found.success]
    return isUid(pod.uid) ? [emptyDirOf(pod.uid)] : []
  })

  const publish: ContainerConfig["Service"]["publish"] = Effect.fnUntraced(function* (place, data) {
    const before = yield* takeSeen
    const own = before?.annotations[mappedDirKey] ?? ""
    if (before !== undefined && own !== "" && !isPluginsOwn(before.annotations, mappedDir)) {
      yield* Effect.logWarning(`pod ${name} has ${mappedDirKey}: ${own}, but mounts the directory at ${mappedDir}`)
    }
    if (before !== undefined && elementsOf(before.annotations) === undefined) {
      yield* Effect.logWarning(`pod ${name} has other content in its configuration data annotation; it is replaced`)
    }
    const annotated = pods.annotate(pod, (annotations) => put(annotations, attachment, data, mappedDir), before)
    // The file is written while the API server answers.
    yield* Effect.all([annotated, shared.writeConfig(place, fileText(data))], {
      concurrency: "unbounded",
      discard: true
    })
  })

  const withdraw = Effect.gen(function* () {
    const before = (yield* takeSeen) ?? (yield* Effect.andThen(look, takeSeen))
    yield* pods.annotate(pod, (annotations) => remove(annotations, attachment, mappedDir), before)
  }).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound" || reason._tag === "Replaced",
      () => Effect.logInfo(`pod ${name} is gone, and its annotations with it`)
    ),
    // An unreachable pod cannot be cleaned up, and must not block the deletion.
    Effect.catchIf(
      ({ reason }) => reason._tag === "NoAccess" && reason.missing,
      ({ failed }) => Effect.logWarning(`${failed}; the pod's annotations were not changed`)
    )
  )

  const verify: ContainerConfig["Service"]["verify"] = Effect.fnUntraced(function* (place) {
    const { annotations } = yield* look
    // A missing file is no difference, because an earlier release may have added the attachment without one.
    const text = yield* shared.readConfig(place)
    return [
      ...(elementsOf(annotations)?.some((element) => isOfAttachment(element, attachment)) === true
        ? []
        : [`pod ${name} has no configuration data for ${attachment.ifName} in its annotations`]),
      ...(text === undefined || isFor(text, attachment)
        ? []
        : [`${place.configPath} no longer belongs to this attachment`])
    ]
  })

  return ContainerConfig.of({ ...deviceInformation(files), podMount, oldVolumes, publish, withdraw, verify })
})

export const volumeName = "shared-dir"

interface Problem {
  readonly problem: string
  readonly cure: string
}

const wanted = `Give the pod a volume named ${volumeName}, an emptyDir or a hostPath of type DirectoryOrCreate, and mount it; or set sharedDir in the network.`

/** `uid`: kubelet's UID of the pod. Undefined: the pod has no such volume. */
export const volumeOf = ({ volumes }: PodDocument, uid: string): Result.Result<Volume | undefined, Problem> => {
  const volume = volumes.find(({ name }) => name === volumeName)
  if (volume === undefined) return Result.succeed(undefined)
  const { emptyDir, hostPath } = volume
  if (hostPath) {
    const { path, type } = hostPath
    if (!isAbsolutePath(path) || path.split("/").includes("..")) {
      const problem = `volume ${volumeName} has the hostPath ${JSON.stringify(path.slice(0, 200))}`
      return Result.fail({ problem, cure: wanted })
    }
    if (type && !type.startsWith("Directory")) {
      return Result.fail({ problem: `volume ${volumeName} is a hostPath of type ${type}`, cure: wanted })
    }
    return Result.succeed({ directory: plain(path), maker: type ? "kubelet" : "runtime" })
  }
  if (emptyDir !== undefined && emptyDir !== null) {
    return isUid(uid)
      ? Result.succeed(emptyDirOf(uid))
      : Result.fail({ problem: `the pod's UID ${JSON.stringify(uid.slice(0, 80))} is invalid`, cure: wanted })
  }
  const kinds = Object.keys(volume).filter((key) => key !== "name")
  return Result.fail({ problem: `volume ${volumeName} is a ${kinds.join(", ") || "volume of no kind"}`, cure: wanted })
}

/** The UID becomes part of a path. */
const isUid = (uid: string): boolean => /^[A-Za-z0-9-]{1,63}$/.test(uid)

/** kubelet's directory of the emptyDir. */
export const emptyDirOf = (uid: string): Volume => ({
  directory: `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~empty-dir/${volumeName}`,
  maker: "kubelet"
})

/** Returns the volume's mount point in the container. With several, the last container's, as in the original plugin. */
export const mappedDirOf = ({ mounts }: PodDocument): Result.Result<string, Problem> => {
  const ours = mounts.filter(({ name }) => name === volumeName)
  const whole = ours.findLast(({ subPath, subPathExpr }) => !subPath && !subPathExpr)
  if (whole !== undefined) return Result.succeed(`${plain(whole.mountPath)}/`.replace(/^\/\/$/, "/"))
  if (ours.length === 0) return Result.succeed(defaultMappedDir)
  return Result.fail({
    problem: `every mount of volume ${volumeName} has a subPath, which does not contain the sockets`,
    cure: "Mount the volume without subPath."
  })
}

const noVolume: Problem = { problem: `the pod has no volume named ${volumeName}`, cure: wanted }

const plain = (path: string): string => normalize(path).replace(/(?<=.)\/+$/, "")
