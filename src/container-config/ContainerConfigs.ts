/**
 * Selects the container config's layer for a call; no other module knows both. Kubernetes is loaded when there are
 * credentials for an API server and the caller named the pod.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Configuration } from "../cni/network/Configuration.ts"
import type { Variables } from "../cni/spec/Environment.ts"
import type { Attachment } from "../identity/Attachment.ts"
import { fileOf, originOf } from "../kubernetes/Origin.ts"
import { Files } from "../platform/Files.ts"
import type { ContainerConfigLayer } from "./ContainerConfig.ts"
import * as FileContainerConfig from "./FileContainerConfig.ts"

interface Call {
  readonly attachment: Attachment
  readonly configuration: Configuration
  readonly environment: { readonly variables: Variables }
}

export const containerConfigFor = ({ attachment, configuration, environment }: Call): ContainerConfigLayer => {
  const { kubeconfig, sharedDir } = configuration.netConf
  const byFile: ContainerConfigLayer = FileContainerConfig.layer(attachment)
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
