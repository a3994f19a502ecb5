/**
 * A pod whose sandbox dies repeatedly: its pause process is killed, the runtime creates a new sandbox of the same pod
 * at kubelet's request, and the application starts there while the downward API's file still describes the sandbox
 * before. It must open its own socket.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { namedByMounts } from "../../src/container/read/Sandbox.ts"
import { Cluster } from "./support/Cluster.ts"
import * as ClusterPod from "./support/ClusterPod.ts"
import { CniNode } from "./support/CniNode.ts"
import { Containerd } from "./support/Containerd.ts"
import * as PodTestpmd from "./support/PodTestpmd.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"
import { look, returnsTo } from "./support/World.ts"

/** The fifth has an API server that refuses. */
const rounds = Number(process.env["SANDBOXES"] ?? 6)

const containerd = Layer.unwrap(
  Effect.gen(function* () {
    const { directory, network, plugins } = yield* CniNode
    const { kubeconfig } = yield* Cluster
    mkdirSync(`${directory}/containerd`)
    const { cniVersion, name, sharedDir: _, ...plugin } = network
    return Containerd.layer({
      directory: `${directory}/containerd`,
      plugins,
      network: { cniVersion, name, plugins: [{ ...plugin, kubeconfig }] }
    })
  })
)

const needs = ["root", "executable", "ovs", "testpmd", "hostLocal", "containerd"] as const

onMachine(needs, Layer.provideMerge(containerd, Cluster.layer))("a pod whose sandbox is recreated", (test) => {
  test(
    `${rounds} times: the application opens the current socket each time, and nothing is left`,
    () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const runtime = yield* Containerd
        const { server } = yield* Cluster
        // The application's default directory without an annotation.
        const pod = yield* ClusterPod.make("app", "/var/lib/cni/usrspcni")
        const watched = { ...node.watched, directories: [...node.watched.directories, pod.path] }
        const before = yield* look(watched)

        let sandbox = yield* runtime.runPod(pod.name)
        yield* pod.refresh
        for (let round = 0; ; round++) {
          const log = yield* PodTestpmd.run(sandbox, {
            mounts: pod.mounts,
            user: 0,
            args: Testpmd.receiver(sandbox.id, [])
          })
          const port = yield* node.portMarked(sandbox.id)
          yield* Effect.tapError(node.vsctl("wait-until", "Interface", port, "link_state=up"), () =>
            Effect.logError(`round ${round}: ${readFileSync(log, "utf8")}`)
          )
          const shown = readFileSync(log, "utf8")
          assert.include(shown, `/var/lib/cni/usrspcni/${sandbox.id.slice(0, 12)}-eth0`)
          // The mounts named the sandbox: nothing was assumed.
          assert.strictEqual(namedByMounts(yield* PodTestpmd.mountsOf(`--file-prefix=${sandbox.id}`)), sandbox.id)
          assert.notInclude(shown, "assuming that the configuration")
          // kubelet writes this sandbox's annotations, which the next one then finds.
          yield* pod.refresh
          if (round === rounds) break

          yield* runtime.killPause(sandbox)
          // As kubelet does: the dead sandbox is stopped, which is its DEL, and a new one is created. Sometimes the API
          // server refuses DEL's write, and the element of the dead sandbox stays until the next ADD.
          if (round % 5 === 4) server.fail({ does: { status: 503, message: "no leader" }, times: 1000 })
          yield* runtime.stopPod(sandbox)
          server.fail.clear()
          const next = yield* runtime.runPod(pod.name, round + 1)
          yield* runtime.removePod(sandbox)
          assert.strictEqual((yield* pod.told).containerId, next.id)
          const files = readdirSync(pod.path).filter((name) => name.startsWith("configData-"))
          assert.deepStrictEqual(files, [`configData-${next.id.slice(0, 12)}-eth0.json`])
          sandbox = next
        }
        yield* runtime.stopPod(sandbox)
        yield* runtime.removePod(sandbox)
        assert.deepStrictEqual(yield* pod.annotations, pod.author)
        yield* returnsTo(watched, before)
      }),
    600_000
  )
})
