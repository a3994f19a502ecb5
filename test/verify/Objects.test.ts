/** What `verify` would make: accepted by the plugin, and within the rights of the example. And its figures. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { readConfiguration, readEnvelope } from "../../src/cni/network/Configuration.ts"
import type { FleetNode } from "../../src/kubernetes/UserspaceNode.ts"
import { addTimes, quantile } from "../../src/verify/AddTimes.ts"
import { label, networkOn, ownNamespace, podObject } from "../../src/verify/Objects.ts"
import { planFor } from "../../src/verify/Plan.ts"
import { manifests } from "../kubernetes/support/Manifests.ts"
import { ovs, rights, statusWith } from "./support/TestCluster.ts"

const vpp = { ...ovs, engine: "vpp", control: "/run/vpp/api.sock" }

describe("a network of verify", () => {
  for (const [engine, on] of Object.entries({ ovs, vpp })) {
    for (const [what, other] of Object.entries({
      "on the own bridge": {},
      "on a bridge that is there": { bridge: engine === "vpp" ? "7" : "br-dpdk" },
      "for an application without root": { group: 65_534 },
      "of a device": { resource: "userspace-cni/x" }
    })) {
      it(`${what} of ${engine} is accepted, without a warning`, () => {
        const { config } = networkOn("v1-a", on, other)
        const read = Result.getOrThrow(
          Result.flatMap(readEnvelope(JSON.stringify(config)), (envelope) => readConfiguration(envelope, new Map(), {}))
        )
        assert.deepStrictEqual(read.warnings, [])
        assert.strictEqual(read.netConf.name, "userspace-verify-v1-a")
      })
    }
  }
})

describe("a pod of verify", () => {
  it("reaches nothing of the node, and has no token", () => {
    const pod = podObject({ name: "v1-1", node: "n1", image: "i", networks: [networkOn("v1-a", ovs)], waits: true })
    const text = JSON.stringify(pod)
    assert.notMatch(text, /hostPath|hostNetwork|hostPID|privileged|"add"/)
    assert.include(text, '"automountServiceAccountToken":false')
    assert.include(text, '"drop":["ALL"]')
    assert.include(text, `"labels":{"${label}":"true"}`)
  })
})

const Rules = Schema.Struct({
  rules: Schema.Array(Schema.Struct({ resources: Schema.Array(Schema.String), verbs: Schema.Array(Schema.String) }))
})

describe("examples/kubernetes/verify.yaml", () => {
  const all = manifests("verify.yaml")
  it("gives the rights that a run in a namespace that exists uses, and no more", () => {
    const given = all
      .filter(({ kind }) => kind === "Role" || kind === "ClusterRole")
      .flatMap((one) => Schema.decodeUnknownSync(Rules)(one).rules)
      .flatMap(({ resources, verbs }) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)))
    // The test of the whole command runs with these.
    const used = rights.filter((right) => !/ namespaces| serviceaccounts/.test(right))
    assert.deepStrictEqual(given.toSorted(), used.toSorted())
  })

  it("is all in the namespace of a run, whose pods reach nothing of the node", () => {
    const text = JSON.stringify(all)
    assert.deepStrictEqual(
      [...text.matchAll(/"namespace":"([^"]+)"/g)].flatMap(([, name]) => (name === ownNamespace ? [] : name)),
      []
    )
    assert.include(text, '"pod-security.kubernetes.io/enforce":"baseline"')
  })
})

describe("the plan", () => {
  const node = (name: string, ...switches: ReadonlyArray<typeof ovs>): FleetNode => ({
    name,
    status: statusWith(switches)
  })
  const wanted = { nodes: undefined, pods: 20, kernelBridges: false }
  const nodesOf = (cases: ReturnType<typeof planFor>["cases"]) => [...new Set(cases.map((one) => one.node))]

  it("takes the first three nodes with a switch, or those that are named, and says why not the others", () => {
    const all = [
      node("n0"),
      ...["n1", "n2", "n3", "n4"].map((name) => node(name, ovs)),
      { name: "n5", status: undefined },
      node("n6", { ...ovs, reachable: false, message: "ECONNREFUSED" })
    ]
    const { cases, skipped } = planFor(all, wanted)
    assert.deepStrictEqual(nodesOf(cases), ["n1", "n2", "n3"])
    const whole = skipped.filter(({ name }) => name === "everything").map(({ node: one, why }) => `${one} ${why}`)
    assert.deepStrictEqual(whole, [
      "n0 no switch",
      "n4 3 nodes are enough; --node names others",
      "n5 its agent has written nothing, or in another form",
      "n6 ovs-dpdk does not answer: ECONNREFUSED"
    ])
    assert.deepStrictEqual(nodesOf(planFor(all, { ...wanted, nodes: ["n4"] }).cases), ["n4"])
  })

  it("tries both switches of a node, and no device that could be of either", () => {
    const resources = [{ name: "userspace-cni/x", total: 1, used: 0, unhealthy: 0 }]
    const both: FleetNode = { name: "n1", status: statusWith([ovs, vpp], new Map(), resources) }
    const { cases, skipped } = planFor([both], { ...wanted, kernelBridges: true })
    const tried = cases.map(({ on, trial }) => `${on?.engine ?? "-"} ${trial.kind}`)
    const each = ["attach", "two", "user", "force", "many"]
    assert.deepStrictEqual(tried, [
      ...each.map((kind) => `ovs-dpdk ${kind}`),
      ...each.map((kind) => `vpp ${kind}`),
      "- plain",
      "- kernel"
    ])
    assert.match(skipped.find(({ name }) => name.startsWith("a device"))?.why ?? "", /several switches/)
  })
})

describe("figures", () => {
  it("quantiles are values that were measured", () => {
    assert.deepStrictEqual(
      [quantile([3, 1, 2, 4], 0.5), quantile([3, 1, 2, 4], 0.99), quantile([], 0.5)],
      [2, 4, undefined]
    )
  })

  it("times of ADD are those between two readings, of all switches, interpolated as by Prometheus", () => {
    const reading = (counts: ReadonlyArray<number>, verb = "ADD") =>
      ["0.1", "0.2", "+Inf"]
        .map((le, index) => {
          const labels = `verb="${verb}",engine="vpp",le="${le}"`
          return `userspace_cni_call_duration_seconds_bucket{${labels}} ${counts[index]}`
        })
        .join("\n")
    const before = `${reading([5, 5, 5])}\n${reading([90, 90, 90], "DEL")}`
    assert.deepStrictEqual(addTimes(before, reading([5, 15, 15])), { count: 10, p50: 0.15000000000000002, p99: 0.199 })
    // Beyond the last bound nothing is known but that it is more.
    assert.deepInclude(addTimes(before, reading([5, 5, 15])), { p50: 0.2, p99: 0.2 })
    assert.isUndefined(addTimes(before, before))
  })
})
