/**
 * What kubelet has given to containers, from its checkpoint: it gives a container its devices once, also over a restart of the
 * node, and does not ask again for a directory that is gone since. Kubernetes 1.34, pkg/kubelet/cm/devicemanager/checkpoint.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decode } from "../grpc/Protobuf.ts"
import { fullName, mountedAt } from "../identity/Device.ts"
import { Files, orElse } from "../platform/Files.ts"
import { DeviceDirectories } from "./DeviceDirectories.ts"
import { ContainerAllocated } from "./KubeletApi.ts"
import type { Resources } from "./Resources.ts"

const Checkpoint = Schema.fromJsonString(
  Schema.Struct({
    Data: Schema.Struct({
      // Go writes no list as null.
      PodDeviceEntries: Schema.NullOr(
        Schema.Array(
          Schema.Struct({
            ResourceName: Schema.String,
            /** By NUMA node. */
            DeviceIDs: Schema.Record(Schema.String, Schema.Array(Schema.String)),
            /** What the plugin answered, in base64. */
            AllocResp: Schema.NullOr(Schema.String)
          })
        )
      )
    })
  })
)

interface Allocation {
  /** `userspace-cni/br-dpdk`. */
  readonly resourceName: string
  readonly devices: ReadonlyArray<string>
  readonly mounts: ReadonlyArray<{ readonly containerPath: string; readonly hostPath: string }>
}

/** Fails with what is wrong. Those of other plugins are among them. */
export const readCheckpoint = (text: string): Result.Result<ReadonlyArray<Allocation>, string> =>
  Result.mapBoth(Schema.decodeUnknownResult(Checkpoint)(text), {
    onFailure: ({ message }) => message,
    onSuccess: ({ Data }) =>
      (Data.PodDeviceEntries ?? []).map(({ AllocResp, DeviceIDs, ResourceName }) => ({
        resourceName: ResourceName,
        devices: Object.values(DeviceIDs).flat(),
        mounts: decode(ContainerAllocated, Buffer.from(AllocResp ?? "", "base64"))?.mounts ?? []
      }))
  })

/** A checkpoint has some hundred bytes a container. */
const longest = 4 << 20

/** Makes the directories that containers were given and that are gone. What cannot be read or made is reported. */
export const remakeDirectories = Effect.fnUntraced(
  function* ({ checkpoint, resources }: Resources) {
    const files = yield* Files
    const directories = yield* DeviceDirectories
    const text = yield* orElse("ENOENT", undefined)(files.read(checkpoint, longest))
    if (text === undefined) return
    for (const { devices, mounts, resourceName } of yield* Effect.fromResult(readCheckpoint(text))) {
      const resource = resources.find(({ name }) => fullName(name) === resourceName)
      const mount = mounts.find(({ containerPath }) => resource && containerPath === mountedAt(resource.name))
      if (resource === undefined || mount === undefined) continue
      const made = yield* directories.remake(mount.hostPath, devices, resource.access)
      if (made) yield* Effect.logWarning(`${mount.hostPath} of ${devices.join(", ")} was gone: created again`)
    }
  },
  (self, { checkpoint }) =>
    Effect.catch(self, (error) =>
      Effect.logError(
        `cannot create directories again that kubelet gave to containers, from ${checkpoint}: ${typeof error === "string" ? error : error.message}`
      )
    )
)
