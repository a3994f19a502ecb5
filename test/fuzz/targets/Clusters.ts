/** The API server and its access: kubeconfigs, pods as their authors wrote them, answers of any kind. */
import * as assert from "node:assert/strict"
import { normalize } from "node:path"
import { Effect, Exit, Result } from "effect"
import { load } from "js-yaml"
import { KubernetesDeadlines } from "../../../src/kubernetes/ApiServer.ts"
import type { HttpsResponse } from "../../../src/platform/Https.ts"
import { ancestors } from "../../../src/shared-dir/SocketPaths.ts"
import type { Node } from "../../dry-run/support/MemoryNode.ts"
import { kubeconfigText } from "../../kubernetes/support/KubeconfigText.ts"
import type { Target } from "../support/Fuzz.ts"
import { jsonNear, textsNear } from "../support/Inputs.ts"
import { call, directoriesOf, network, recordPath, state, watchedNode, within } from "../support/Watched.ts"

const uid = "0c8d1fa4-8a9f-4c25-9c5e-1d2f3a4b5c6d"
const emptyDir = `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~empty-dir/shared-dir`
const text = JSON.stringify({ ...network, kubeconfig: "/etc/kubeconfig" })
const variables = { CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID=${uid}` }
const token = "hunter2hunter2hunter2"

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web-0",
    namespace: "default",
    uid,
    resourceVersion: "7",
    annotations: {
      color: "blue",
      "userspace/configuration-data": JSON.stringify([{ containerId: "other", ifName: "net1", name: "n", config: {} }]),
      "userspace/mapped-dir": "/run/shared/"
    }
  },
  spec: {
    volumes: [
      { name: "shared-dir", emptyDir: {} },
      { name: "host", hostPath: { path: "/srv/shared", type: "DirectoryOrCreate" } }
    ],
    containers: [{ name: "app", volumeMounts: [{ name: "shared-dir", mountPath: "/run/shared" }] }]
  }
}

const onHostPath = {
  ...pod,
  spec: { ...pod.spec, volumes: [{ name: "shared-dir", hostPath: { path: "/srv/shared/a" } }] }
}

const well: HttpsResponse = { status: 200, retryAfter: undefined, body: JSON.stringify(pod) }

/** A node with these answers of the API server. */
const clustered = (kubeconfig: string, answer: Partial<HttpsResponse>) => {
  const node = watchedNode()
  node.files.put("/etc/kubeconfig", "file", kubeconfig, 0o600)
  node.files.put("/etc/token", "file", `${token}\n`, 0o600)
  node.files.put(emptyDir, "directory", "", 0o777)
  node.api = () => ({ ...well, ...answer })
  return node
}

const plain = kubeconfigText({ server: "https://10.0.0.1:6443", token })

/** Retries do not wait. */
const hurried = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.provideService(self, KubernetesDeadlines, { answer: 1, total: 0 })

/** In the directories that the pod names. */
const below = (body: string): ReadonlyArray<string> =>
  [...body.matchAll(/"path":\s*"(\/(?:[^"\\]|\\.)+)"/g)].flatMap(([, path = ""]) => [
    normalize(path).replace(/(?<=.)\/$/, "")
  ])

/** It is not in the place of a user's token, so it is no secret: two examples were spliced. */
const isElsewhere = (kubeconfig: string): boolean =>
  Result.match(
    Result.try(() => load(kubeconfig)),
    {
      onFailure: () => false,
      onSuccess: (found) =>
        JSON.stringify(found, (key, value: unknown) => (key === "token" ? undefined : value))?.includes(token) ?? false
    }
  )

/** Without parents of the directories that the pod names: those belong to the pod, whoever created them. */
const left = (node: Node, places: ReadonlyArray<string>) => {
  const pods = new Set(places.flatMap(ancestors))
  return state(node).filter((line) => !pods.has(/^(.*) directory /.exec(String(line))?.[1] ?? ""))
}

/** A failed ADD has a record of what it could not roll back: with a working API server, one DEL leaves nothing. */
const life = (kubeconfig: string, answer: Partial<HttpsResponse>, places: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const node = clustered(kubeconfig, answer)
    const directories = [...directoriesOf(text, variables), emptyDir, ...places]
    const before = left(node, places)
    for (const verb of ["ADD", "CHECK", "DEL"] as const) {
      const exit = yield* within(node, directories, call(node, verb, text, variables))
      assert.ok(isElsewhere(kubeconfig) || !JSON.stringify(exit).includes(token), "the token is told")
      if (verb === "ADD" && Exit.isFailure(exit) && node.files.get(recordPath) === undefined) {
        assert.deepEqual(left(node, places), before)
      }
    }
    node.api = () => well
    node.files.put("/etc/kubeconfig", "file", plain, 0o600)
    assert.ok(Exit.isSuccess(yield* call(node, "DEL", text, variables)))
    node.files.put("/etc/kubeconfig", "file", kubeconfig, 0o600)
    assert.deepEqual(left(node, places), before)
    for (const { url } of node.requests)
      assert.match(url, /^https?:\/\/[^/]+\/(.*\/)?api\/v1\/namespaces\/default\/pods\/web-0(\/status)?$/)
  }).pipe(hurried)

const kubeconfig: Target = {
  name: "kubeconfig",
  inputs: textsNear(
    plain,
    kubeconfigText({ server: "https://10.0.0.1:6443", user: ["tokenFile: token"] }),
    JSON.stringify({
      "current-context": "a",
      contexts: [{ name: "a", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443/prefix/", "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: { token } }]
    })
  ),
  property: (input) => life(input, {}),
  runs: 25
}

const pods: Target = {
  name: "pods",
  inputs: jsonNear(pod, onHostPath),
  property: (input) => life(plain, { body: input }, below(input)),
  runs: 25
}

/** `status` and `retry-after` on one line, and the body. */
const answers: Target = {
  name: "api-answers",
  inputs: textsNear(
    '403 1\n{"kind":"Status","message":"pods is forbidden","reason":"Forbidden","code":403}',
    '429 2\n{"kind":"Status","message":"too many","details":{"retryAfterSeconds":1}}',
    "500 -\n<html>",
    "301 -\n"
  ),
  property: (input) => {
    const [line = "", ...body] = input.split("\n")
    const [status = "", retryAfter] = line.split(" ")
    return life(plain, { status: Number.parseInt(status, 10) || 0, retryAfter, body: body.join("\n") })
  },
  runs: 20
}

export const targets: ReadonlyArray<Target> = [kubeconfig, pods, answers]
