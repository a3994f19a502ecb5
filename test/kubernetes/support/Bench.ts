/** One pod on an API server of the tests, used by `Pods` through a kubeconfig; and the requirements of an error. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Pod } from "../../../src/identity/Attachment.ts"
import { Pods } from "../../../src/kubernetes/Pods.ts"
import type { PodsError } from "../../../src/kubernetes/PodsError.ts"
import { Files } from "../../../src/platform/Files.ts"
import * as NodeHttps from "../../platform/support/node/NodeHttps.ts"
import { type ApiServer, apiServer, type Options } from "./ApiServer.ts"
import { kubeconfigText, type Wanted } from "./KubeconfigText.ts"
import { at } from "./PodStore.ts"
import { directory, podOn, withEverything } from "./ServerUnderTest.ts"
import { podJson } from "./TestPod.ts"

export interface Bench {
  readonly server: ApiServer
  readonly pod: Pod
  readonly read: Effect.Effect<unknown, PodsError>
  /** The requests of an ADD: reads, then adds an annotation to what it read. */
  readonly addition: Effect.Effect<void, PodsError>
  readonly annotations: () => unknown
  /** Methods and statuses, in order. */
  readonly asked: () => ReadonlyArray<string>
}

export const bench = Effect.fnUntraced(function* (options: Options = {}, kubeconfig: Partial<Wanted> = {}) {
  const server = withEverything(yield* apiServer(options))
  const path = join(yield* directory, "kubeconfig")
  writeFileSync(path, kubeconfigText({ server: server.url, token: "letmein", ...kubeconfig }))
  const pod = podOn(server, "tests", "web", podJson({ annotations: { color: "blue" } }))
  const live = Layer.provide(Pods.layer({ kubeconfig: path }), [Files.layer, NodeHttps.layer])
  const onPods = <A>(use: (pods: Pods["Service"]) => Effect.Effect<A, PodsError>) =>
    Effect.scoped(Effect.provide(Effect.flatMap(Pods, use), live))
  const made: Bench = {
    server,
    pod,
    read: onPods(({ read }) => read(pod)),
    addition: onPods(({ annotate, read }) =>
      Effect.flatMap(read(pod), (seen) => annotate(pod, () => ({ mine: "1" }), seen))
    ),
    annotations: () => at(server.pods.get("tests", "web"), "metadata")["annotations"],
    asked: () => answersOf(server)
  }
  return made
})

/** `PUT status 200`: method, subresource and status of each request. */
export const answersOf = ({ asked }: ApiServer): ReadonlyArray<string> =>
  asked.map(({ method, path, status }) => `${method}${/\/status$/.test(path) ? " status" : ""} ${status}`)

export const both = { color: "blue", mine: "1" }

export const gives = (error: PodsError, code: number, failed: RegExp, cure: RegExp) => {
  assert.strictEqual(error.code, code)
  assert.match(error.failed, failed)
  assert.match(error.cure, cure)
  for (const text of [error.failed, error.cure, error.message, JSON.stringify(error)]) {
    assert.notInclude(text, "letmein")
    assert.notInclude(text, "BEGIN ")
  }
}
