/**
 * Events of a pod: the agent's executable on a real Open vSwitch, with a real application, and the API server of the
 * tests.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { allRights, eventsRight } from "../kubernetes/support/ApiServer.ts"
import { Cluster, replay, setting, succeeded } from "./support/Cluster.ts"
import { healing, within } from "./support/Healing.ts"
import * as Multus from "./support/Multus.ts"
import { resultOf } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"

onMachine(["root", "executable", "ovs", "hostLocal", "testpmd"], Cluster.layer)("the events of a pod", (test) => {
  test("say that it is attached, connected, and restored", () =>
    Effect.gen(function* () {
      const { definition, node, pod, sandbox, server, volume } = yield* setting()
      server.roles.set("plugin", [...allRights, eventsRight])
      const told = (reason: string) =>
        within(
          "20 seconds",
          Effect.sync(() => server.events.find((event) => event["reason"] === reason)),
          Effect.sync(() => `no ${reason}: ${JSON.stringify(server.asked)}`)
        )
      // Its switch is not at the default place: a round finds it after the ADD.
      yield* healing(node, "--every", "1s")
      const stdin = Multus.stdin(definition, {}, undefined)
      yield* resultOf(yield* replay("ADD", sandbox, pod, stdin))
      const port = yield* node.portMarked(sandbox.containerId)
      const name = `ev${sandbox.containerId.slice(0, 6)}`
      const socket = `${volume}/${sandbox.containerId.slice(0, 12)}-net1`
      yield* Testpmd.run(
        name,
        node.directory,
        Testpmd.receiverArguments({ name, socket, mode: "server", mac: "02:00:00:00:0e:01" })
      )
      const attached = yield* told("Attached")
      assert.strictEqual(attached["note"], `net1: port ${port} of network ${definition.name} on ovs-dpdk.`)
      const { name: podName, namespace, uid } = pod
      assert.deepStrictEqual(attached["regarding"], { apiVersion: "v1", kind: "Pod", namespace, name: podName, uid })
      yield* told("Connected")
      yield* node.vsctl("del-port", port)
      assert.include(String((yield* told("Restored"))["note"]), "recreated")
      succeeded(yield* replay("DEL", sandbox, pod, stdin))
      assert.isEmpty(server.asked.filter(({ method, status }) => method === "POST" && status !== 200))
    }))
})
