/**
 * A cluster for one node: the API server of the tests, a kubeconfig for it, and pods with volumes on this machine; and
 * calls for them as Multus makes them.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { Pod } from "../../../src/identity/Attachment.ts"
import { type ApiServer, apiServer } from "../../kubernetes/support/ApiServer.ts"
import { kubeconfigText } from "../../kubernetes/support/KubeconfigText.ts"
import { at, encode, type Json } from "../../kubernetes/support/PodStore.ts"
import { podOn, withEverything } from "../../kubernetes/support/ServerUnderTest.ts"
import { podJson, type Shape } from "../../kubernetes/support/TestPod.ts"
import { CniNode, type Sandbox } from "./CniNode.ts"
import * as Multus from "./Multus.ts"

export class Cluster extends Context.Service<Cluster, { readonly server: ApiServer; readonly kubeconfig: string }>()(
  "userspace-cni/test/Cluster"
) {
  static readonly layer = Layer.effect(
    Cluster,
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      const server = withEverything(yield* apiServer())
      const kubeconfig = `${directory}/multus.kubeconfig`
      writeFileSync(kubeconfig, kubeconfigText({ server: server.url, token: "letmein" }), { mode: 0o600 })
      return { server, kubeconfig }
    })
  ).pipe(Layer.provideMerge(CniNode.layer))
}

/** A pod with a volume on the host, as its author wrote it, and its sandbox. */
export const setting = Effect.fnUntraced(function* (shape: Shape = {}) {
  const node = yield* CniNode
  const { kubeconfig, server } = yield* Cluster
  const sandbox = yield* node.sandbox
  const volume = `${node.directory}/volumes/${sandbox.containerId.slice(0, 8)}`
  mkdirSync(volume, { recursive: true })
  const hostPath = { name: "shared-dir", hostPath: { path: volume, type: "DirectoryOrCreate" } }
  const pod = podOn(
    server,
    "default",
    `pod-${sandbox.containerId.slice(0, 8)}`,
    podJson({ annotations: { color: "blue" }, volumes: [hostPath], ...shape })
  )
  const { sharedDir: _, ...network } = node.network
  const definition = {
    ...network,
    kubeconfig,
    capabilities: { CNIDeviceInfoFile: true, deviceID: true, mac: true, ips: true, bandwidth: true }
  }
  const asked = server.asked.length
  return {
    node,
    server,
    sandbox,
    pod,
    volume,
    definition,
    watched: { ...node.watched, directories: [...node.watched.directories, volume, `${node.directory}/devinfo`] },
    whole: () => encode({ ...server.pods.get(pod.namespace, pod.name), metadata: metadataOf(server, pod) }),
    annotations: () => at(at(server.pods.get(pod.namespace, pod.name), "metadata"), "annotations"),
    asked: () => server.asked.slice(asked).map(({ method, status }) => `${method} ${status}`)
  }
})

/** Every write makes a new version. */
const metadataOf = (server: ApiServer, { name, namespace }: Pod): Json => {
  const { resourceVersion: _, ...rest } = at(server.pods.get(namespace, name), "metadata")
  return rest
}

export const replay = (verb: "ADD" | "DEL" | "CHECK", sandbox: Sandbox, pod: Pod, stdin: string) =>
  Effect.flatMap(CniNode, ({ call }) =>
    call(verb, sandbox, {}, { stdin, environment: { CNI_ARGS: Multus.cniArgs(sandbox, pod) } })
  )

export const succeeded = ({
  status,
  stderr,
  stdout
}: {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}) => assert.strictEqual(status, 0, stdout + stderr)

export type Made = Effect.Success<ReturnType<typeof setting>>

export const volumeAt = (path: string) => ({ name: "shared-dir", hostPath: { path, type: "DirectoryOrCreate" } })

export const remake = (server: ApiServer, { name, namespace, uid }: Pod, shape: Shape) => {
  server.pods.delete(namespace, name)
  podOn(server, namespace, name, podJson({ ...shape, ...(uid === "" ? {} : { uid }) }))
}
