/**
 * Selects the container config's layer for a call; no other module knows both. Kubernetes is loaded when there are
 * credentials for an API server and the caller named the pod, but not when kubelet has given the pod a device.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Configuration } from "../cni/network/Configuration.ts"
import { defaultStateDir } from "../cni/network/Validators.ts"
import type { Variables } from "../cni/types/Environment.ts"
import type { Attachment } from "../identity/Attachment.ts"
import { fileText, isFor } from "../identity/ConfigurationData.ts"
import { fileOf, originOf } from "../kubernetes/Origin.ts"
import { Files } from "../platform/Files.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import { ContainerConfig, type ContainerConfigLayer, defaultMappedDir, type Mounts } from "./ContainerConfig.ts"
import { deviceInformation } from "./DeviceInfo.ts"

interface Call {
  readonly attachment: Attachment
  readonly configuration: Configuration
  readonly environment: { readonly variables: Variables }
}

export const containerConfigFor = (call: Call): ContainerConfigLayer => {
  const { deviceID, resourceName, runtimeConfig, stateDir = defaultStateDir } = call.configuration.netConf
  const passed = deviceID ?? runtimeConfig?.["deviceID"]
  const device = typeof passed === "string" ? passed : undefined
  if (resourceName === undefined && device === undefined) return withoutDevice(call)
  return Layer.unwrap(
    Effect.promise(() => import("./DeviceMount.ts")).pipe(
      Effect.flatMap(({ mountsOf }) => mountsOf({ resourceName, device, stateDir })),
      Effect.map((mounts) =>
        mounts === undefined ? withoutDevice(call) : fileContainerConfig(call.attachment, mounts)
      )
    )
  )
}

const withoutDevice = ({ attachment, configuration, environment }: Call): ContainerConfigLayer => {
  const { kubeconfig, sharedDir } = configuration.netConf
  const byFile = fileContainerConfig(attachment)
  const { pod } = attachment
  const origin = originOf(kubeconfig, environment.variables)
  if (origin === undefined) return byFile
  if (pod === undefined) {
    const warning =
      "kubeconfig is ignored: CNI_ARGS names no pod of Kubernetes (K8S_POD_NAMESPACE, K8S_POD_NAME, K8S_POD_UID)"
    return kubeconfig === undefined ? byFile : Layer.unwrap(Effect.as(Effect.logWarning(warning), byFile))
  }
  const byPod: ContainerConfigLayer = Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./PodContainerConfig.ts")),
      ({ layer }) => layer({ attachment, pod, origin, sharedDir })
    )
  )
  if (kubeconfig !== undefined) return byPod
  return Layer.unwrap(
    Effect.gen(function* () {
      const files = yield* Files
      const account = yield* Effect.orElseSucceed(files.lstat(fileOf(origin)), () => undefined)
      return account === undefined ? byFile : byPod
    })
  )
}

const inDefaultDirectory: Mounts = {
  podMount: Effect.succeed({ volume: undefined, mappedDir: defaultMappedDir }),
  oldVolumes: Effect.succeed([])
}

/** Without an API server: the container config is a file beside the socket. */
const fileContainerConfig = (attachment: Attachment, mounts: Mounts = inDefaultDirectory): ContainerConfigLayer =>
  Layer.effect(
    ContainerConfig,
    Effect.gen(function* () {
      const sharedDir = yield* SharedDir
      return ContainerConfig.of({
        ...deviceInformation(yield* Files),
        ...mounts,
        publish: (place, data) => sharedDir.writeConfig(place, fileText(data)),
        withdraw: Effect.void,
        verify: (place) =>
          Effect.map(sharedDir.readConfig(place), (text) =>
            text === undefined
              ? [`${place.configPath} is missing`]
              : isFor(text, attachment)
                ? []
                : [`${place.configPath} no longer belongs to this attachment`]
          )
      })
    })
  )
