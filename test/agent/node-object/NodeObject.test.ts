/** The object of a node, as an API server receives it: what is in it, and how few requests it takes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Acted } from "../../../src/attachment/heal/Act.ts"
import { never, nothing } from "../../../src/attachment/heal/Decide.ts"
import type { OfSwitch } from "../../../src/attachment/heal/Round.ts"
import { emptyDirOf } from "../../../src/container-config/PodContainerConfig.ts"
import { add } from "../../cli/support/Attached.ts"
import { allRights, nodeRights } from "../../kubernetes/support/ApiServer.ts"
import { at } from "../../kubernetes/support/PodStore.ts"
import { podOn } from "../../kubernetes/support/ServerUnderTest.ts"
import { podJson } from "../../kubernetes/support/TestPod.ts"
import { kubeconfig, objectWorld } from "./support/ObjectWorld.ts"

describe("the object of a node", () => {
  it.effect("is made once, belongs to its Node, and is written only when something differs", () =>
    Effect.gen(function* () {
      const world = yield* objectWorld
      world.node.files.put("/var/run/openvswitch/db.sock", "socket")
      yield* world.agent(({ looks, pass }) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(world.requests(), [
            "GET /n1 404",
            "GET /api/v1/nodes/n1 200",
            "POST  200",
            "PATCH /n1/status 200"
          ])
          assert.deepStrictEqual(at(world.server.nodes.objects.get("n1"), "metadata")["ownerReferences"], [
            { apiVersion: "v1", kind: "Node", name: "n1", uid: "uid-of-n1" }
          ])
          assert.deepInclude(world.status(), { attachments: [], resources: [], healed: [] })
          const before = looks()
          yield* pass(300)
          assert.isAtLeast(looks() - before, 3)
          assert.deepStrictEqual(world.requests(), [])
        })
      )
      assert.deepStrictEqual(world.log, [])
    })
  )

  it.effect("has attachments by network and state, and changes at most once in ten seconds", () =>
    Effect.gen(function* () {
      const world = yield* objectWorld
      yield* world.agent(({ changed, looks, pass }) =>
        Effect.gen(function* () {
          const reachable = () => world.status()?.conditions.find(({ type }) => type === "SwitchReachable")
          assert.deepInclude(reachable(), { status: "False", reason: "NoSwitch" })
          for (const id of ["c1", "c2", "c3"]) {
            yield* add(world.node, id)
            changed()
          }
          world.requests()
          const before = looks()
          yield* pass(8)
          assert.strictEqual(looks(), before)
          yield* pass(10)
          assert.deepStrictEqual(world.requests(), ["PATCH /n1/status 200"])
          const status = world.status()
          assert.deepStrictEqual(status?.attachments, [{ network: "net-a", total: 3, states: { disconnected: 3 } }])
          assert.strictEqual(status?.summary.attachments, 3)
          assert.deepInclude(status?.switches[0], { engine: "ovs-dpdk", reachable: true })
          const finding = status?.findings.find(({ id }) => id === "application-not-connected")
          assert.deepInclude(finding, { count: 3 })
          // A condition that holds keeps its time, and one that changed has another.
          const times = new Set(status?.conditions.map(({ lastTransitionTime }) => lastTransitionTime))
          assert.strictEqual(times.size, 2)
        })
      )
    })
  )

  it.effect("takes no request for the pods of attachments, and no process of an IPAM plugin", () =>
    Effect.gen(function* () {
      const world = yield* objectWorld
      world.server.roles.set("plugin", [...nodeRights, ...allRights])
      const pod = podOn(world.server, "default", "web", podJson({ annotations: {} }))
      world.node.files.put(emptyDirOf(pod.uid).directory, "directory", "", 0o777)
      const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_UID=${pod.uid}`
      yield* add({ ...world.node, edges: world.edges }, "c1", { CNI_ARGS: args }, { kubeconfig })
      const { length } = world.node.runs
      assert.isAbove(length, 0)
      assert.lengthOf(world.requests(), 2)
      yield* world.agent(({ pass }) => pass(300))
      assert.strictEqual(world.status()?.summary.attachments, 1)
      assert.isEmpty(world.requests().filter((line) => line.includes("/pods/")))
      assert.lengthOf(world.node.runs, length)
    })
  )

  it.effect("is left as it is by the next agent, when nothing has changed meanwhile", () =>
    Effect.gen(function* () {
      const world = yield* objectWorld
      yield* world.agent(() => Effect.void)
      const before = world.status()
      assert.isDefined(before)
      world.requests()
      yield* TestClock.adjust("1 hour")
      yield* world.agent(() => Effect.void)
      assert.deepStrictEqual(world.requests(), ["GET /n1 200"])
      assert.deepStrictEqual(world.status(), before)
    })
  )

  it.effect("is made again when somebody has deleted it", () =>
    Effect.gen(function* () {
      const world = yield* objectWorld
      yield* world.agent(({ changed, pass }) =>
        Effect.gen(function* () {
          world.server.nodes.objects.clear()
          yield* add(world.node, "c1")
          changed()
          yield* pass(10)
          assert.strictEqual(world.status()?.summary.attachments, 1)
        })
      )
    })
  )

  it.effect("counts what healing has done since the agent's start", () =>
    Effect.gen(function* () {
      const world = yield* objectWorld
      yield* world.agent(({ observer, pass }) =>
        Effect.gen(function* () {
          observer.round(round, round)
          observer.round({ ...round, when: 1000 }, round)
          yield* pass(10)
          assert.deepStrictEqual(world.status()?.healed, [
            { kind: "missing", count: 2, last: "1970-01-01T00:00:01.000Z" }
          ])
          assert.strictEqual(world.status()?.summary.healed, "missing x2")
        })
      )
    })
  )

  it.effect("is told of once where its definition is missing, and written when it is there", () =>
    Effect.gen(function* () {
      const world = yield* objectWorld
      world.server.nodes.isDefined = false
      yield* world.agent(({ pass }) =>
        Effect.gen(function* () {
          world.requests()
          yield* pass(90)
          assert.deepStrictEqual(world.requests(), [])
          yield* pass(840)
          assert.include(world.requests(), "POST  404")
          assert.lengthOf(world.log, 1)
          assert.match(world.log[0] ?? "", /^Info this cluster does not know the resource userspacenodes: .*--node/)
          world.server.nodes.isDefined = true
          yield* pass(840)
          assert.isDefined(world.status())
        })
      )
    })
  )

  it.effect("is told of once without the right to it, and not at all while the API server is away", () =>
    Effect.gen(function* () {
      const world = yield* objectWorld
      world.server.roles.set("plugin", [])
      yield* world.agent(({ pass }) => pass(840))
      assert.lengthOf(world.log, 1)
      assert.match(
        world.log[0] ?? "",
        /^Info Kubernetes: write userspacenode n1 on .*403 Forbidden.*docs\/kubernetes\.md/
      )
      const other = yield* objectWorld
      other.server.fail({ does: { status: 503 } })
      yield* other.agent(({ pass }) => pass(300))
      assert.isDefined(other.status())
      assert.deepStrictEqual(other.log, [])
    })
  )
})

const found: Acted = {
  kind: "missing",
  about: {
    key: "key",
    pod: undefined,
    network: "net-a",
    containerId: "c1",
    ifName: "net1",
    port: "p",
    socketPath: "/p",
    state: ""
  },
  words: "the switch has no port for it",
  action: { _tag: "Report" },
  outcome: { _tag: "Done", words: "recreated" }
}
const round: OfSwitch = {
  at: { engine: "ovs-dpdk", control: "/var/run/openvswitch/db.sock" },
  ...{ when: 0, looked: 1, found: [found], silent: [], memory: nothing, due: never }
}
