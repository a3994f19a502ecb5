/**
 * {@link ClusterUnderTest} on a real cluster: that of KUBECONFIG_TEST, in its namespace `default`. Its user must be
 * allowed to create, get, update, patch and delete pods. It uses HTTP directly, so that the plugin's writes are
 * observed independently.
 */
import { randomUUID } from "node:crypto"
import { request } from "node:https"
import { Effect, Layer, Redacted } from "effect"
import type { Pod } from "../../../src/identity/Attachment.ts"
import { type Access, readAccess } from "../../../src/kubernetes/Credentials.ts"
import { Files } from "../../../src/platform/Files.ts"
import { ClusterUnderTest, counted } from "./ClusterUnderTest.ts"
import { at, decode, encode, type Json } from "./PodStore.ts"
import { podJson } from "./TestPod.ts"

export const kubeconfig = process.env["KUBECONFIG_TEST"] ?? ""

const namespace = "default"

const ask = ({ server, tls, token }: Access, method: string, path: string, body?: unknown, type = "application/json") =>
  Effect.callback<Json>((resume) => {
    const asked = request(
      `${server}/api/v1/namespaces/${namespace}/pods${path}`,
      {
        method,
        headers: {
          "content-type": type,
          ...(token === undefined ? {} : { authorization: `Bearer ${Redacted.value(token)}` })
        },
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.client ?? {}),
        ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
        rejectUnauthorized: tls.verify
      },
      (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8")
          const failed = (response.statusCode ?? 500) >= 400
          resume(failed ? Effect.die(new Error(`${method} ${path}: ${text}`)) : Effect.sync(() => decode(text)))
        })
      }
    )
    asked.on("error", (error) => resume(Effect.die(error)))
    asked.end(body === undefined ? undefined : encode(body))
  })

const text = (value: unknown): string => (typeof value === "string" ? value : "")

export const layer = Layer.effect(
  ClusterUnderTest,
  Effect.gen(function* () {
    const access = yield* Effect.orDie(readAccess(yield* Files, { kubeconfig }))
    const create = Effect.fnUntraced(function* (name: string, annotations?: Readonly<Record<string, string>>) {
      const json = podJson({ annotations })
      const { managedFields: _, ...metadata } = at(json, "metadata")
      const body = { apiVersion: "v1", kind: "Pod", ...json, metadata: { ...metadata, name, namespace } }
      const pod: Pod = { namespace, name, uid: text(at(yield* ask(access, "POST", "", body), "metadata")["uid"]) }
      return pod
    })
    const remove = ({ name }: Pod) =>
      Effect.asVoid(ask(access, "DELETE", `/${name}?gracePeriodSeconds=0&propagationPolicy=Background`))
    return ClusterUnderTest.of({
      ...counted(kubeconfig),
      pod: (annotations) =>
        Effect.acquireRelease(
          Effect.suspend(() => create(`userspace-cni-test-${randomUUID()}`, annotations)),
          (pod) => Effect.ignore(Effect.sandbox(remove(pod)))
        ),
      look: Effect.fnUntraced(function* ({ name }) {
        const pod = yield* ask(access, "GET", `/${name}`)
        const { annotations = {}, managedFields: _, resourceVersion, ...metadata } = at(pod, "metadata")
        const entries = Object.entries(annotations ?? {}).map(([key, value]) => [key, text(value)])
        // The scheduler may change the status at any time.
        return {
          annotations: Object.fromEntries(entries),
          resourceVersion: text(resourceVersion),
          rest: encode({ metadata, spec: pod["spec"] })
        }
      }),
      annotate: ({ name }, annotations) =>
        Effect.asVoid(ask(access, "PATCH", `/${name}`, { metadata: { annotations } }, "application/merge-patch+json")),
      remove,
      replace: (pod) => Effect.andThen(remove(pod), create(pod.name))
    })
  })
).pipe(Layer.provide(Files.layer))
