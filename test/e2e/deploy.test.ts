/**
 * What `make deploy` and `make undeploy` send to a cluster, as rendered by kubectl: kubectl is real except for the
 * commands that contact a cluster, which only record their input.
 */
import { readFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { loadAll } from "js-yaml"
import { rights } from "../kubernetes/support/Manifests.ts"
import { clusterOf } from "../scripts/support/Cluster.ts"
import { programs } from "../scripts/support/Make.ts"
import { kubectl } from "./support/Machine.ts"
import { succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"

onMachine(["kubectl"], Layer.empty)("the manifests as kubectl renders them", (test) => {
  test("make deploy applies them with the image, in kube-system; make undeploy deletes the same", () =>
    Effect.gen(function* () {
      const { calls, make, put } = yield* programs
      put("kubectl", `case $1 in kustomize) exec ${kubectl} "$@";; *) cat >$stdin;; esac`)
      const image = "registry.example:5000/team/userspacecni:1.2"
      for (const target of ["deploy", "undeploy"]) {
        const { status, stderr } = make([target, "IMAGE_REGISTRY=registry.example:5000/team", "IMAGE_VERSION=1.2"])
        assert.strictEqual(status, 0, stderr)
      }
      const [, applied, , , deleted] = calls("kubectl")
      assert.deepStrictEqual([applied?.args, deleted?.args], ["apply -f -", "delete --ignore-not-found -f -"])
      assert.deepStrictEqual(clusterOf(applied?.stdin ?? ""), {
        names: [
          "ClusterRole userspace-cni",
          "ClusterRoleBinding userspace-cni",
          "CustomResourceDefinition userspacenodes.userspace-cni.io",
          "DaemonSet kube-system/userspace-cni",
          "ServiceAccount kube-system/userspace-cni"
        ],
        images: [image, image, image],
        account: "userspace-cni",
        bound: ["ServiceAccount kube-system/userspace-cni to ClusterRole userspace-cni"],
        rights
      })
      assert.strictEqual(deleted?.stdin, applied?.stdin)
    }))

  test("examples/devices gives the agent the file of resources, and changes nothing else of it", () =>
    Effect.gen(function* () {
      const rendered = Effect.fnUntraced(function* (folder: string) {
        const text = yield* succeed(kubectl, ["kustomize", folder])
        const objects = loadAll(text).map((document) => Object(document))
        const agent = objects
          .find(({ kind }) => kind === "DaemonSet")
          .spec.template.spec.containers.find(({ name }: { readonly name: string }) => name === "agent")
        return { agent, files: objects.find(({ kind }) => kind === "ConfigMap")?.data }
      })
      const plain = yield* rendered("examples/kubernetes")
      const { agent, files } = yield* rendered("examples/devices")
      const { args, volumeMounts, ...rest } = agent
      const { args: before, volumeMounts: mounts, ...same } = plain.agent
      assert.deepStrictEqual(rest, same)
      assert.deepStrictEqual(args, [...before, "--resources", "/etc/userspace-cni/resources.json"])
      assert.deepStrictEqual(volumeMounts.slice(1), mounts)
      assert.strictEqual(volumeMounts[0].mountPath, "/etc/userspace-cni")
      assert.strictEqual(files["resources.json"], readFileSync("examples/devices/resources.json", "utf8"))
    }))
})
