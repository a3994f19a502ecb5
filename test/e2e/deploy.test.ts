/**
 * What `make deploy` and `make undeploy` send to a cluster, as rendered by kubectl: kubectl is real except for the
 * commands that contact a cluster, which only record their input.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { rights } from "../kubernetes/support/Manifests.ts"
import { clusterOf } from "../scripts/support/Cluster.ts"
import { programs } from "../scripts/support/Make.ts"
import { kubectl } from "./support/Machine.ts"
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
})
