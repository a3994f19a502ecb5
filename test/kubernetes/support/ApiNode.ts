/**
 * A node whose edges are in memory, and an API server on a real connection: whole calls, from the variables of a
 * runtime to the requests that the server receives. The network has a directory of its own; the pod has a volume.
 */

import { Effect, Layer, Logger } from "effect"
import { serve } from "../../../src/app/CniCall.ts"
import { readRequest } from "../../../src/cni/Request.ts"
import type { Variables } from "../../../src/cni/types/Environment.ts"
import { emptyDirOf } from "../../../src/container-config/PodContainerConfig.ts"
import { account } from "../../../src/kubernetes/Origin.ts"
import * as Calls from "../../dry-run/support/Calls.ts"
import * as MemoryNode from "../../dry-run/support/MemoryNode.ts"
import { pem } from "../../platform/support/HttpsPeer.ts"
import * as NodeHttps from "../../platform/support/node/NodeHttps.ts"
import { apiServer } from "./ApiServer.ts"
import { answersOf } from "./Bench.ts"
import { kubeconfigText } from "./KubeconfigText.ts"
import { at } from "./PodStore.ts"
import { podOn, withEverything } from "./ServerUnderTest.ts"
import { podJson } from "./TestPod.ts"

const { sharedDir } = Calls.network

export const apiNode = Effect.gen(function* () {
  const node = MemoryNode.make()
  const server = withEverything(yield* apiServer())
  const { name, namespace, uid } = podOn(server, "default", "web", podJson({ annotations: { color: "blue" } }))
  node.files.put(emptyDirOf(uid).directory, "directory", "", 0o777)
  node.files.put("/etc/kubeconfig", "file", kubeconfigText({ server: server.url, token: "letmein" }), 0o600)
  const log: Array<string> = []
  const logger = Logger.layer([
    Logger.make(({ logLevel, message }) => void log.push(`${logLevel} ${[message].flat().map(String).join(" ")}`))
  ])
  const edges = Layer.mergeAll(node.edges, NodeHttps.layer, logger)
  return {
    node,
    server,
    /** A runtime's name for the pod. */
    named: { CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=${uid}` },
    /** Of the network, and of a call of it. */
    withKubeconfig: { kubeconfig: "/etc/kubeconfig" },
    /** Variables that kubelet sets in a pod. */
    inCluster: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: new URL(server.url).port },
    /** As kubelet mounts it: links through `..data`. A second call renews it. */
    mount: (token: string, authority = "ca.crt") => {
      node.files.put(`${account}/..data`, "symlink", "..1")
      for (const [file, content] of [
        ["token", token],
        ["ca.crt", pem(authority)]
      ] as const) {
        node.files.put(`${account}/${file}`, "symlink", `..1/${file}`)
        node.files.put(`${account}/..1/${file}`, "file", content)
      }
    },
    call: (verb: Calls.Verb, variables: Variables, more: Calls.Conf = {}) =>
      serve(
        readRequest(
          { ...Calls.variables, ...variables, CNI_COMMAND: verb },
          JSON.stringify({ ...Calls.network, ...more })
        )
      ).pipe(Effect.provide(edges)),
    asked: () => answersOf(server),
    /** The annotations for the pod's containers. */
    annotations: () => at(at(server.pods.get(namespace, name), "metadata"), "annotations"),
    /** The container config in a file. */
    handed: () => node.files.dump().filter((line) => line.startsWith(sharedDir) && line.includes("configData-")),
    warnings: () => log.filter((line) => line.startsWith("Warn "))
  }
})
