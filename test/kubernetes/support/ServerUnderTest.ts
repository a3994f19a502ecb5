/** {@link ClusterUnderTest} on the API server of the tests, reached over TLS with a kubeconfig, on Node. */
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import type { Pod } from "../../../src/identity/Attachment.ts"
import { type ApiServer, allRights, apiServer } from "./ApiServer.ts"
import { ClusterUnderTest, counted } from "./ClusterUnderTest.ts"
import { kubeconfigText } from "./KubeconfigText.ts"
import { at, encode, type Json } from "./PodStore.ts"
import { podJson } from "./TestPod.ts"

const strings = (values: Json): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === "string"))

export const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubernetes-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const withEverything = (server: ApiServer): ApiServer => {
  server.tokens.set("letmein", "plugin")
  server.roles.set("plugin", allRights)
  return server
}

export const podOn = (server: ApiServer, namespace: string, name: string, json: Json): Pod => {
  const { uid } = at(server.pods.create(namespace, name, json), "metadata")
  return { namespace, name, uid: String(uid) }
}

export const layer = Layer.effect(
  ClusterUnderTest,
  Effect.gen(function* () {
    const server = withEverything(yield* apiServer())
    const kubeconfig = join(yield* directory, "kubeconfig")
    writeFileSync(kubeconfig, kubeconfigText({ server: server.url, token: "letmein" }))
    const namespace = "tests"
    const write = ({ name }: Pod, annotations: Readonly<Record<string, string>>) => {
      const pod = server.pods.get(namespace, name)
      const { resourceVersion: _, ...metadata } = at(pod, "metadata")
      const all = { ...at(metadata, "annotations"), ...annotations }
      server.pods.update(namespace, name, "", { ...pod, metadata: { ...metadata, annotations: all } })
    }
    return ClusterUnderTest.of({
      ...counted(kubeconfig),
      pod: (annotations) =>
        Effect.acquireRelease(
          Effect.sync(() => podOn(server, namespace, `pod-${randomUUID()}`, podJson({ annotations }))),
          ({ name }) => Effect.sync(() => server.pods.delete(namespace, name))
        ),
      look: ({ name }) =>
        Effect.sync(() => {
          const pod = server.pods.get(namespace, name)
          const { annotations: _, managedFields, resourceVersion, ...metadata } = at(pod, "metadata")
          return {
            annotations: strings(at(at(pod, "metadata"), "annotations")),
            resourceVersion: String(resourceVersion),
            rest: encode({ ...pod, metadata })
          }
        }),
      annotate: (pod, annotations) => Effect.sync(() => write(pod, annotations)),
      remove: ({ name }) => Effect.sync(() => server.pods.delete(namespace, name)),
      replace: ({ name }) =>
        Effect.sync(() => {
          server.pods.delete(namespace, name)
          return podOn(server, namespace, name, podJson())
        })
    })
  })
)
