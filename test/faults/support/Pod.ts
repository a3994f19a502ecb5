/** An API server with the pod whose interface is added: its volume on the node, its annotations, the requests. */
import { mkdirSync, writeFileSync } from "node:fs"
import { Effect } from "effect"
import { apiServer } from "../../kubernetes/support/ApiServer.ts"
import { kubeconfigText } from "../../kubernetes/support/KubeconfigText.ts"
import { at, encode } from "../../kubernetes/support/PodStore.ts"
import { podOn, withEverything } from "../../kubernetes/support/ServerUnderTest.ts"
import { podJson } from "../../kubernetes/support/TestPod.ts"

export const make = Effect.fn("Pod.make")(function* (directory: string) {
  const server = withEverything(yield* apiServer())
  const kubeconfig = `${directory}/kubeconfig`
  writeFileSync(kubeconfig, kubeconfigText({ server: server.url, token: "letmein" }), { mode: 0o600 })
  const volume = `${directory}/shared/volume`
  mkdirSync(volume)
  const hostPath = { name: "shared-dir", hostPath: { path: volume, type: "DirectoryOrCreate" } }
  const { name, namespace, uid } = podOn(
    server,
    "default",
    "web",
    podJson({ annotations: { color: "blue" }, volumes: [hostPath] })
  )
  return {
    kubeconfig,
    args: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
    /** Every write makes a new version. */
    seen: () => {
      const pod = server.pods.get(namespace, name)
      const { resourceVersion: _, ...metadata } = at(pod, "metadata")
      return { "pod default/web": encode({ ...pod, metadata }) }
    }
  }
})
