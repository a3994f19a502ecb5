/** `userspace doctor` on a node in memory: findings, exit status, and that it changes nothing. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { ExitStatus, statusOf } from "../../src/cli/print/Printer.ts"
import { keyOf, portName } from "../../src/identity/Attachment.ts"
import { map } from "../../src/ovs/client/OvsdbMessages.ts"
import { network, real } from "../dry-run/support/Calls.ts"
import { database, make, type Node } from "../dry-run/support/MemoryNode.ts"
import { add, recordOf, removePort, sandboxOf, stateDir } from "./support/Attached.ts"
import { file, type } from "./support/Terminal.ts"

const Judged = {
  links: Schema.Array(Schema.Struct({ link: Schema.String, is: Schema.String, seen: Schema.String })),
  findings: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      severity: Schema.String,
      seen: Schema.String,
      cure: Schema.String,
      command: Schema.String
    })
  ),
  unseen: Schema.Array(Schema.String)
}
const Report = Schema.fromJsonString(
  Schema.Struct({
    status: Schema.Int,
    node: Schema.Struct(Judged),
    attachments: Schema.Array(Schema.Struct({ containerId: Schema.String, inspected: Schema.Boolean, ...Judged }))
  })
)

/** It changes nothing in any case. */
const examined = Effect.fnUntraced(function* (node: Node, ...args: ReadonlyArray<string>) {
  const before = [node.state(), node.committed.length]
  const { stdout, well } = yield* type(node, ["doctor", "--json", ...args])
  assert.deepStrictEqual([node.state(), node.committed.length], before)
  const report = yield* Schema.decodeUnknownEffect(Report)(stdout)
  assert.strictEqual(well, report.status === 0)
  const ids = (of: { readonly findings: ReadonlyArray<{ readonly id: string }> }) => of.findings.map(({ id }) => id)
  return { ...report, ofNode: ids(report.node), of: report.attachments.map(ids) }
})

const hugepages = (node: Node, total: number, free: number) => {
  const directory = "/sys/kernel/mm/hugepages/hugepages-2048kB"
  node.files.put(`${directory}/nr_hugepages`, "file", `${total}\n`)
  node.files.put(`${directory}/free_hugepages`, "file", `${free}\n`)
}

const control = "/var/run/openvswitch/ovs-vswitchd.7.ctl"

const healthy = () => {
  const node = make()
  hugepages(node, 512, 256)
  node.files.put("/var/run/openvswitch/ovs-vswitchd.pid", "file", "7\n")
  node.files.put(control, "socket")
  node.ovs.vswitchd.control = control
  return node
}

/** As an application that has opened its port leaves it in the database. */
const connected = ({ ovs }: Node) =>
  ovs.transact([
    {
      op: "mutate",
      table: "Interface",
      where: [["type", "==", "dpdkvhostuserclient"]],
      mutations: [
        ["status", "delete", map({ status: "disconnected" })],
        ["status", "insert", map({ status: "connected" })],
        ["link_state", "delete", "down"],
        ["link_state", "insert", "up"]
      ]
    }
  ])

it.effect("a node without a switch", () =>
  Effect.gen(function* () {
    const { ofNode, status } = yield* examined(healthy())
    assert.deepStrictEqual([ofNode, status], [["switch-missing"], 1])
  })
)

it.effect("an attachment whose application has not started: its chain, and nothing else", () =>
  Effect.gen(function* () {
    const node = healthy()
    yield* add(node, "c1", { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID=u1" })
    const { attachments, of, ofNode } = yield* examined(node, "--pod", "default/web-0")
    assert.deepStrictEqual(ofNode, ["bridge-without-uplink"])
    assert.deepStrictEqual(of, [["application-not-connected"]])
    const links = attachments[0]?.links.map(({ link }) => link) ?? []
    for (const link of [
      "record",
      "sandbox",
      "port",
      "application",
      "directory",
      "socket",
      "container config",
      "addresses"
    ])
      assert.include(links, link)
    assert.deepStrictEqual((yield* examined(node, "--pod", "default/web-1")).ofNode.at(-1), "attachment-missing")
  })
)

/** As the agent notes an attachment whose application may have ended the switch. */
const suspected = (node: Node, containerId: string, of: Readonly<Record<string, unknown>>, invocation?: string) => {
  const key = keyOf({ network: network.name, containerId, ifName: "net1" })
  const own = invocationOf(node.files.get(recordOf(`${containerId}-net1`))?.content ?? "").invocation
  const noted = { invocation: invocation ?? own, last: Date.UTC(2026, 0, 2), ends: [1, 2, 3], ...of }
  node.files.put(`${stateDir}/suspects/${key}`, "file", JSON.stringify(noted), 0o600)
}
const invocationOf = Schema.decodeSync(Schema.fromJsonString(Schema.Struct({ invocation: Schema.String })))

it.effect("whose application may have ended the switch, and whose port the agent leaves away", () =>
  Effect.gen(function* () {
    const node = healthy()
    for (const id of ["c1", "c2", "c3", "c4"]) yield* add(node, id)
    yield* connected(node)
    suspected(node, "c1", { isolated: false })
    suspected(node, "c2", { isolated: true })
    yield* removePort(node, portName({ network: network.name, containerId: "c2", ifName: "net1" }))
    suspected(node, "c3", { isolated: true }, "of-an-earlier-attachment")
    const { attachments, status } = yield* examined(node)
    const of = Object.fromEntries(
      attachments.map(({ containerId, findings }) => [containerId, findings.map(({ id }) => id)])
    )
    assert.deepStrictEqual(of, { c1: ["vpp-ended"], c2: ["attachment-isolated"], c3: [], c4: [] })
    assert.strictEqual(status, 1)
    const isolated = attachments.find(({ containerId }) => containerId === "c2")?.findings[0]
    assert.strictEqual(
      isolated?.seen,
      "ends of VPP: 3 attributed to it, the last suspicion at 2026-01-02T00:00:00.000Z"
    )
    assert.strictEqual(isolated?.command, "userspace restore --container-id c2 --ifname net1")
  })
)

it.effect("a DEL leaves nothing of a suspicion", () =>
  Effect.gen(function* () {
    const node = healthy()
    yield* add(node, "c1")
    suspected(node, "c1", { isolated: true })
    yield* real(node, "DEL", network, { CNI_CONTAINERID: "c1", CNI_NETNS: sandboxOf("c1") })
    assert.notInclude(node.files.dump().join("\n"), stateDir)
  })
)

it.effect("an unreachable switch is reported once, and its ports are not guessed", () =>
  Effect.gen(function* () {
    const node = healthy()
    yield* add(node, "c1")
    node.refusal = "ECONNREFUSED"
    const { attachments, of, ofNode } = yield* examined(node)
    assert.deepStrictEqual(ofNode, ["switch-away"])
    assert.deepStrictEqual(of, [[]])
    assert.strictEqual(attachments[0]?.links.find(({ link }) => link === "port")?.is, "unknown")
    for (const id of ["c2", "c3"]) {
      node.refusal = undefined
      yield* add(node, id)
    }
    node.refusal = "ECONNREFUSED"
    const { stdout } = yield* type(node, ["doctor"])
    assert.notInclude(stdout, "without findings")
    assert.match(stdout, /^3 attachments not inspected: the switch did not answer, or was not asked\.$/m)
  })
)

it.effect("an ovs-vswitchd that does not answer: what the database keeps is called sound for nothing", () =>
  Effect.gen(function* () {
    const node = healthy()
    for (const id of ["c1", "c2"]) yield* add(node, id)
    yield* connected(node)
    const before = yield* examined(node)
    assert.deepStrictEqual([before.of, before.ofNode, before.status], [[[], []], ["bridge-without-uplink"], 0])
    assert.include((yield* type(node, ["doctor"])).stdout, "\n2 attachments without findings.\n")

    node.ovs.vswitchd.alive = false
    const away = yield* examined(node)
    assert.deepStrictEqual(
      [away.of, away.ofNode, away.status],
      [[[], []], ["ovs-vswitchd-away", "bridge-without-uplink"], 1]
    )
    assert.deepStrictEqual(
      away.attachments.map(({ inspected, links }) => [inspected, links.find(({ link }) => link === "application")?.is]),
      [
        [false, "unknown"],
        [false, "unknown"]
      ]
    )

    // It was killed, and its pidfile is elsewhere.
    node.files.remove("/var/run/openvswitch/ovs-vswitchd.pid")
    const unasked = yield* examined(node)
    assert.deepStrictEqual(
      [unasked.of, unasked.ofNode, unasked.status],
      [[[], []], ["ovs-vswitchd-not-asked", "bridge-without-uplink"], 0]
    )
    assert.deepStrictEqual(
      unasked.node.links.filter(({ seen }) => seen.includes("DPDK initialized")).map(({ is }) => is),
      ["unknown"]
    )
    const { stdout } = yield* type(node, ["doctor"])
    assert.include(stdout, "\n2 attachments not inspected: the switch did not answer, or was not asked.\n")
    assert.notInclude(stdout, "without findings")
  })
)

it.effect("what belongs to the node is told once, not once an attachment", () =>
  Effect.gen(function* () {
    const node = healthy()
    for (const id of ["c1", "c2", "c3"]) yield* add(node, id)
    yield* connected(node)
    // An orderly stop: the pidfile of ovsdb-server alone is left.
    node.ovs.vswitchd.alive = false
    node.files.put("/var/run/openvswitch/ovsdb-server.pid", "file", "6\n")
    node.files.remove("/var/run/openvswitch/ovs-vswitchd.pid")
    node.files.remove(control)
    const { of, ofNode } = yield* examined(node)
    assert.deepStrictEqual(
      [of, ofNode],
      [
        [[], [], []],
        ["ovs-vswitchd-away", "bridge-without-uplink"]
      ]
    )

    // Of each attachment, and alike.
    node.files.remove("/opt/cni/bin/host-local")
    const { stdout } = yield* type(node, ["doctor"])
    assert.lengthOf(stdout.match(/^ {2}net1, container c1, network net-a, and 2 more: addresses: /gm) ?? [], 1)
    assert.lengthOf(stdout.match(/^ {2}net1, container c[123].*: addresses: /gm) ?? [], 1)
  })
)

it.effect("a missing port, a missing record, a missing sandbox", () =>
  Effect.gen(function* () {
    const node = healthy()
    for (const id of ["c1", "c2", "c3"]) yield* add(node, id)
    yield* removePort(node, portName({ network: "net-a", containerId: "c1", ifName: "net1" }))
    node.files.remove(recordOf("c2-net1"))
    node.sandboxes.delete(sandboxOf("c3"))
    const { attachments, of } = yield* examined(node)
    assert.deepStrictEqual(of, [
      ["port-missing"],
      ["port-without-record"],
      ["attachment-stale", "application-not-connected"]
    ])
    assert.strictEqual(attachments[0]?.findings[0]?.command, "userspace restore --container-id c1 --ifname net1")
  })
)

it.effect("a network that cannot work, from its file alone", () =>
  Effect.gen(function* () {
    const node = healthy()
    node.ovs.vswitchd.dpdk = false
    node.ovs.look()
    const network = yield* file("net.json", {
      cniVersion: "1.0.0",
      name: "net-b",
      type: "userspace",
      host: { engine: "ovs-dpdk", iftype: "vhostuser", socket: database },
      ipam: { type: "none-such" }
    })
    assert.deepStrictEqual((yield* examined(node, "--config", network)).ofNode, [
      "dpdk-not-initialized",
      "ipam-plugin-missing"
    ])
    const wrong = yield* file("net.json", { cniVersion: "1.0.0", name: "n", type: "userspace", host: { bridg: 1 } })
    assert.include((yield* examined(node, "--config", wrong)).ofNode, "network-invalid")
  })
)

it.effect("Multus, unknown leases, and used up hugepages", () =>
  Effect.gen(function* () {
    const node = healthy()
    yield* add(node, "c1")
    hugepages(node, 512, 0)
    node.files.put("/etc/cni/net.d/00-multus.conf", "file", JSON.stringify({ type: "multus" }))
    const { ofNode } = yield* examined(node)
    assert.deepStrictEqual(ofNode, ["bridge-without-uplink", "hugepages-used-up", "multus-does-not-retry"])
  })
)

it.effect("text names what to do, and a note does not set status 1", () =>
  Effect.gen(function* () {
    const node = healthy()
    yield* add(node, "c1")
    const { stderr, stdout } = yield* type(node, ["doctor", "--state-dir", stateDir])
    assert.strictEqual(stderr, "")
    assert.match(stdout, /^warning application-not-connected \(net1, container c1, network net-a\)$/m)
    assert.match(stdout, /^ {2}-> Start it /m)
    assert.match(stdout, /^note bridge-without-uplink \(node\)$/m)
    assert.match(stdout, /^2 findings\.$/m)
  })
)

it("gives the command's own exit status, and 1 for another failure, but 2 for a doctor that could not look", () => {
  const status = (exit: Exit.Exit<never, unknown>, ...args: ReadonlyArray<string>) =>
    Exit.isFailure(exit) ? statusOf(exit.cause, args) : undefined
  assert.strictEqual(status(Exit.fail(new ExitStatus({ status: 2 })), "list"), 2)
  assert.strictEqual(status(Exit.fail("anything"), "list", "--pod", "doctor"), 1)
  assert.strictEqual(status(Exit.fail("anything"), "doctor", "--pod", "nonsense"), 2)
  assert.strictEqual(status(Exit.fail(new ExitStatus({ status: 1 })), "doctor"), 1)
  assert.strictEqual(status(Exit.fail("anything"), "container", "doctor"), 2)
})
