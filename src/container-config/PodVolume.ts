/**
 * Rule (1) for the shared directory: the pod's volume named `shared-dir`, on the host and in the container. Pure.
 *
 * kubelet sets up a pod's volumes before its sandbox, so at ADD an emptyDir exists, and a hostPath of type
 * DirectoryOrCreate as well. The runtime creates a missing hostPath without a type later; ADD creates it in the same
 * way. The plugin never removes a volume, because other pods may use it. A mount with subPath does not contain the
 * sockets.
 */
import { normalize } from "node:path"
import * as Result from "effect/Result"
import { isAbsolutePath } from "../cni/network/Validators.ts"
import type { PodDocument } from "../kubernetes/PodDocument.ts"
import type { Volume } from "../shared-dir/SocketPaths.ts"
import { defaultMappedDir } from "./ContainerConfig.ts"

export const volumeName = "shared-dir"

export interface Problem {
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
export const isUid = (uid: string): boolean => /^[A-Za-z0-9-]{1,63}$/.test(uid)

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

export const noVolume: Problem = { problem: `the pod has no volume named ${volumeName}`, cure: wanted }

const plain = (path: string): string => normalize(path).replace(/(?<=.)\/+$/, "")
