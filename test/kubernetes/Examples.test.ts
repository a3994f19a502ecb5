/** The manifests that a reader copies fit the plugin, and each other. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readConfiguration, readEnvelope } from "../../src/cni/network/Configuration.ts"
import { readArgs } from "../../src/cni/types/Environment.ts"
import * as Multus from "../e2e/support/Multus.ts"
import { allRights, eventsRight, nodeRights } from "./support/ApiServer.ts"
import { definition, manifests, network, rights, role, selections } from "./support/Manifests.ts"

describe("examples/kubernetes", () => {
  it("the network is accepted as Multus hands it over for the pod, and nothing of it is lost", () => {
    const [selection] = selections
    assert.isDefined(selection)
    assert.strictEqual(selection.name, network.metadata.name)
    const stdin = Multus.stdin(definition, selection, "/var/run/k8s.cni.cncf.io/devinfo/cni/x")
    const { netConf, port, warnings } = Result.getOrThrow(
      Result.flatMap(readEnvelope(stdin), (envelope) =>
        Result.flatMap(readArgs(""), (args) => readConfiguration(envelope, args, {}))
      )
    )
    assert.deepStrictEqual(warnings, [])
    assert.strictEqual(port.mac, selection.mac)
    const { name: _, interface: __, ...wishes } = selection
    assert.deepStrictEqual(netConf.runtimeConfig, {
      CNIDeviceInfoFile: "/var/run/k8s.cni.cncf.io/devinfo/cni/x",
      ...wishes
    })
    assert.isString(netConf.kubeconfig)
  })

  it("the role exists, and allows no more than reading pods, writing what is not their spec, and the objects of nodes", () => {
    assert.deepStrictEqual(rights, ["get pods", "update pods/status", "create events", ...nodeRights])
    assert.isEmpty(
      rights.filter((right) => ![...allRights, eventsRight, ...nodeRights].some((known) => known === right))
    )
    assert.deepStrictEqual(
      manifests("role.yaml").map(({ kind }) => kind),
      ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"]
    )
  })

  it("the right to events is to create them, and nothing else", () => {
    const { rules } = role
    const ofEvents = rules.filter(({ resources }) => resources.some((one) => one === "*" || one.startsWith("events")))
    assert.deepStrictEqual(ofEvents, [{ apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] }])
  })
})
