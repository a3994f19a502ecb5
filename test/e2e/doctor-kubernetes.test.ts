/** Symptoms of docs/troubleshooting.md that come from the API server: the finding of each. The pod stays as it is. */
import { copyFileSync, rmSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Right } from "../kubernetes/support/ApiServer.ts"
import { allRights } from "../kubernetes/support/ApiServer.ts"
import { withEverything } from "../kubernetes/support/ServerUnderTest.ts"
import { Cluster, type Made, remake, setting } from "./support/Cluster.ts"
import { doctor, networkFile, symptom } from "./support/Doctor.ts"
import { onMachine } from "./support/Suite.ts"

const only = (allowed: (right: Right) => boolean) => (made: Made) =>
  made.server.roles.set("plugin", allRights.filter(allowed))

const symptoms: ReadonlyArray<readonly [name: string, make: (made: Made, kubeconfig: string) => void]> = [
  ["a token that has ended", ({ server }) => server.tokens.delete("letmein")],
  ["may not read", only(() => false)],
  ["may not write", only((right) => right === "get pods")],
  [
    "a webhook",
    ({ server }) =>
      server.fail({ method: "PUT", does: { status: 400, message: 'admission webhook "policy.example" denied it' } })
  ],
  ["no kubeconfig", (_, kubeconfig) => rmSync(kubeconfig)],
  ["no volume", ({ pod, server }) => remake(server, pod, { volumes: [], mounts: [] })],
  [
    "attached already",
    ({ pod, server, volume }) =>
      remake(server, pod, {
        annotations: { "k8s.v1.cni.cncf.io/networks": "ovs-a@net1, ovs-b@net1" },
        volumes: [{ name: "shared-dir", hostPath: { path: volume } }]
      })
  ]
]

onMachine(["root", "executable", "ovs", "hostLocal"], Cluster.layer)("doctor and the cluster", (test) => {
  for (const [name, make] of symptoms) {
    test(`the finding of: ${name}`, () =>
      Effect.gen(function* () {
        const made = yield* setting()
        const { kubeconfig, server } = yield* Cluster
        const { definition, node, pod } = made
        withEverything(server)
        server.fail.clear()
        const own = `${kubeconfig}-${pod.name}`
        copyFileSync(kubeconfig, own)
        make(made, own)
        const before = made.whole()
        const file = networkFile(node.directory, { ...definition, kubeconfig: own })
        const args = ["--config", file, "--pod", `${pod.namespace}/${pod.name}`]
        const { ids } = yield* doctor("--state-dir", node.stateDir, "--cni-path", node.plugins, ...args)
        assert.include(ids, symptom(name))
        assert.strictEqual(made.whole(), before)
      }))
  }

  test("a pod that has what it needs, and credentials that are good", () =>
    Effect.gen(function* () {
      const { definition, node, pod, server, whole } = yield* setting()
      withEverything(server)
      server.fail.clear()
      const before = whole()
      const args = ["--config", networkFile(node.directory, definition), "--pod", `${pod.namespace}/${pod.name}`]
      const report = yield* doctor("--state-dir", node.stateDir, "--cni-path", node.plugins, ...args)
      const seen = report.node.links.filter(({ link }) => link === "API server" || link.startsWith("pod "))
      assert.deepStrictEqual(
        seen.map(({ is }) => is),
        ["well", "well", "well"]
      )
      assert.strictEqual(whole(), before)
    }))
})
