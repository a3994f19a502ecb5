/**
 * The directory of a container that has devices, instead of a volume: kubelet has mounted it, and no API server is asked. The
 * agent made it when kubelet gave the devices (`devices/DeviceDirectories.ts`), with a link for each.
 */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../cni/types/CniError.ts"
import { fullName, linkOf, mountedAt, resourceOf } from "../identity/Device.ts"
import { Files, orElse } from "../platform/Files.ts"
import { fromFile, SharedDirError } from "../shared-dir/Directories.ts"
import type { Volume } from "../shared-dir/SocketPaths.ts"
import type { Mounts } from "./ContainerConfig.ts"

interface Wanted {
  /** The resource that the network names. */
  readonly resourceName: string | undefined
  /** What Multus passes. */
  readonly device: string | undefined
  readonly stateDir: string
}

/** Undefined: the network wants no device, and the text is no device of this node. */
export const mountsOf = Effect.fnUntraced(function* ({ device, resourceName, stateDir }: Wanted) {
  const files = yield* Files
  const resource = device === undefined ? undefined : resourceOf(device)
  if (device === undefined || resource === undefined || (resourceName ?? fullName(resource)) !== fullName(resource)) {
    return resourceName === undefined ? undefined : refusing(notGiven(resourceName, device))
  }
  const link = linkOf(stateDir, device)
  const target = yield* Effect.result(orElse(["ENOENT", "EINVAL"], undefined)(files.readLink(link)))
  if (target._tag === "Failure") return refusing(fromFile("find the directory of the device")(target.failure))
  if (target.success === undefined) return resourceName === undefined ? undefined : refusing(unknown(device, link))
  const volume: Volume = { directory: join(dirname(link), target.success), maker: "kubelet", device }
  const mounts: Mounts = {
    podMount: Effect.succeed({ volume, mappedDir: `${mountedAt(resource)}/` }),
    oldVolumes: Effect.succeed([volume])
  }
  return mounts
})

/** Only an ADD asks for the mount: a DEL removes what there is. */
const refusing = (error: SharedDirError): Mounts => ({ podMount: Effect.fail(error), oldVolumes: Effect.succeed([]) })

const notGiven = (resourceName: string, device: string | undefined) =>
  new SharedDirError({
    operation: `find the device of ${resourceName}`,
    answer: device === undefined ? "the call has none" : `the call has ${device}, which is none of this resource`,
    cure: `Ask for ${resourceName} in resources.limits of a container of the pod, once for each network that wants it, and name the resource in the annotation k8s.v1.cni.cncf.io/resourceName of the network.`,
    code: ErrorCodes.InvalidConfiguration
  })

const unknown = (device: string, link: string) =>
  new SharedDirError({
    operation: `find the directory of device ${device} at ${link}`,
    answer: "not found",
    cure: "Check on this node that the agent runs with --resources and has the stateDir of the network: it makes the directory when kubelet gives the device.",
    code: ErrorCodes.IoFailure
  })
