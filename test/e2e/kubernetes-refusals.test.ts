/**
 * ADDs with a kubeconfig that cannot succeed, on a real Open vSwitch and the API server of the tests: one error with
 * the reason, and switch, files, leases and pod unchanged.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Cluster, type Made, remake, replay, setting, succeeded, volumeAt } from "./support/Cluster.ts"
import * as Multus from "./support/Multus.ts"
import { errorOf } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

onMachine(["root", "executable", "ovs", "hostLocal"], Cluster.layer)("an ADD that the cluster refuses", (test) => {
  const refused: ReadonlyArray<readonly [string, number, RegExp, (made: Made) => void]> = [
    [
      "a pod without a volume",
      7,
      /inspect pod .*no volume named shared-dir/,
      ({ server, pod }) => remake(server, pod, { volumes: [] })
    ],
    [
      "a volume that kubelet has not made",
      5,
      /shared directory: use .*\/missing: ENOENT/,
      ({ server, pod, volume }) => remake(server, pod, { volumes: [volumeAt(`${volume}/missing`)] })
    ],
    [
      "another pod of that name",
      108,
      /has the UID .*, but the call is for /,
      ({ server, pod }) => remake(server, { ...pod, uid: "" }, {})
    ],
    [
      "a pod that is gone",
      108,
      /the pod does not exist/,
      ({ server, pod }) => server.pods.delete(pod.namespace, pod.name)
    ],
    [
      "an API server that forbids the read",
      108,
      /403 Forbidden: .*cannot get/,
      ({ server }) => server.fail({ does: { status: 403, message: "cannot get" } })
    ],
    [
      "an API server that forbids the write",
      108,
      /annotate pod .*403 Forbidden: no/,
      ({ server }) => {
        server.fail({ method: "PUT", does: { status: 403, message: "no" }, times: 2 })
        server.fail({ method: "PATCH", does: { status: 403, message: "no" }, times: 2 })
      }
    ],
    [
      "a write that was done, though its answer is lost and nobody may look",
      108,
      /403/,
      ({ server }) => server.fail({ method: "PUT", does: "lost" }, { method: "GET", after: 1, does: { status: 403 } })
    ]
  ]
  for (const [name, code, msg, prepare] of refused) {
    test(`${name} fails the ADD and leaves everything as it was`, () =>
      Effect.gen(function* () {
        const made = yield* setting()
        const { definition, pod, sandbox, server, watched } = made
        prepare(made)
        const exists = server.pods.has(pod.namespace, pod.name)
        const before = { world: yield* look(watched), pod: exists ? made.whole() : "" }
        const file = Multus.deviceInfoFile(`${made.node.directory}/devinfo/cni`, definition, sandbox)
        const error = yield* errorOf(
          yield* replay("ADD", sandbox, pod, Multus.stdin(definition, { deviceID: "any" }, file))
        )
        server.fail.clear()
        assert.match(error.msg, msg)
        assert.strictEqual(error.code, code)
        assert.strictEqual(exists ? made.whole() : "", before.pod)
        yield* returnsTo(watched, before.world)
        succeeded(yield* replay("DEL", sandbox, pod, Multus.stdin(definition, { deviceID: "any" }, file)))
        yield* returnsTo(watched, before.world)
      }))
  }
})
