/** With an API server, a dry run reads the pod, and writes nothing to it. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { planText } from "../../src/cli/print/PlanText.ts"
import { dry, network, real, step } from "./support/Calls.ts"
import { make, type Node } from "./support/MemoryNode.ts"

const url = "https://10.0.0.1:6443/api/v1/namespaces/ns/pods/web-0"
const writes = { kind: "https", method: "PUT", url: `${url}/status` } as const
const token = "t0ken-of-the-plugin"
const kubeconfig = `
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://10.0.0.1:6443"}}]
users: [{name: u, user: {token: "${token}"}}]
`

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-0", namespace: "ns", uid: "0c5b", resourceVersion: "7", annotations: {} },
  spec: {
    volumes: [{ name: "shared-dir", emptyDir: {} }],
    containers: [
      {
        name: "app",
        env: [{ name: "PASSWORD", value: "p4ssword-of-the-pod" }],
        volumeMounts: [{ name: "shared-dir", mountPath: "/var/lib/cni/usrspcni/" }]
      }
    ]
  }
}

const args = { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web-0;K8S_POD_UID=0c5b" }
const conf = { ...network, kubeconfig: "/etc/cni/kubeconfig" }

const cluster = (): Node => {
  const node = make()
  node.files.put("/etc/cni/kubeconfig", "file", kubeconfig, 0o600)
  node.files.put("/var/lib/kubelet/pods/0c5b/volumes/kubernetes.io~empty-dir/shared-dir", "directory")
  let stored = JSON.stringify(pod)
  node.api = ({ body, method }) => {
    if (method !== "GET") stored = body ?? ""
    return { status: 200, retryAfter: undefined, body: stored }
  }
  return node
}

it.effect("plans the annotation, the file beside it and the rollback, and sends none", () =>
  Effect.gen(function* () {
    const node = cluster()
    const plan = yield* dry(node, "ADD", conf, args)
    assert.isNull(plan.error)
    const told = step(plan, "publish the container config")
    const of = (kind: string) => told?.changes.filter((change) => change.kind === kind) ?? []
    assert.deepStrictEqual(of("https"), [writes])
    // Also the file in the pod's volume, which is removed with the shared directory.
    assert.match(JSON.stringify(of("file").at(-1)), /\/shared-dir\/configData-c1-net1\.json"/)
    assert.lengthOf(told?.changes ?? [], of("https").length + of("file").length)
    assert.deepStrictEqual(told?.undo, [writes])
    assert.deepStrictEqual([...new Set(node.requests.map(({ method }) => method))], ["GET"])
    assert.include(planText(plan), `write the annotations of the pod: PUT ${writes.url}`)
    for (const secret of [token, "p4ssword-of-the-pod"]) assert.notInclude(JSON.stringify(plan), secret)
  })
)

it.effect("plans to remove the annotation on DEL", () =>
  Effect.gen(function* () {
    const node = cluster()
    yield* real(node, "ADD", conf, args)
    assert.isTrue(node.requests.some(({ method }) => method === "PUT"))
    node.requests.length = 0
    const plan = yield* dry(node, "DEL", conf, args)
    assert.isNull(plan.error)
    const changes = plan.steps.flatMap(({ changes }) => changes).filter(({ kind }) => kind === "https")
    assert.deepStrictEqual(changes, [writes])
    assert.deepStrictEqual([...new Set(node.requests.map(({ method }) => method))], ["GET"])
  })
)
