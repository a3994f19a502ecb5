/** `userspace list` on a node in memory: complete and incomplete attachments, and those of the original plugin. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { portName } from "../../src/identity/Attachment.ts"
import { database, make, type Node } from "../dry-run/support/MemoryNode.ts"
import { forkBridge, forkMarks, forkPort } from "../suites/ForkPort.ts"
import { add, loseRecords, recordOf, removePort, sandboxOf, stateDir } from "./support/Attached.ts"
import { type } from "./support/Terminal.ts"

const portOf = (containerId: string, network = "net-a", ifName = "net1") => portName({ network, containerId, ifName })

const Listing = Schema.fromJsonString(
  Schema.Struct({
    attachments: Schema.Array(Schema.Record(Schema.String, Schema.Json)),
    problems: Schema.Array(Schema.Struct({ code: Schema.Int, failed: Schema.String, cure: Schema.String }))
  })
)

/** Changes nothing. */
const listed = Effect.fnUntraced(function* (node: Node, ...args: ReadonlyArray<string>) {
  const before = [node.state(), node.committed.length, node.runs.length]
  const ended = yield* type(node, ["list", ...args])
  assert.deepStrictEqual([node.state(), node.committed.length, node.runs.length], before)
  return ended
})

const json = Effect.fnUntraced(function* (node: Node, ...args: ReadonlyArray<string>) {
  const { stdout, ...ended } = yield* listed(node, "--json", ...args)
  return { ...ended, ...(yield* Schema.decodeUnknownEffect(Listing)(stdout)) }
})

const cells = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/))

const heads = ["NETWORK", "POD", "CONTAINER", "INTERFACE", "SWITCH", "PORT", "STATE"]

const nothing = "No attachments: no record in /var/lib/cni/usrspcni, no port on the switches that were inspected.\n"

it.effect("a node without attachments", () =>
  Effect.gen(function* () {
    const node = make()
    assert.deepStrictEqual(yield* listed(node), { well: true, stdout: nothing, stderr: "" })
    assert.deepStrictEqual(yield* json(node), { well: true, stderr: "", attachments: [], problems: [] })
  })
)

it.effect("network, pod, container, interface, switch, port and state, in order", () =>
  Effect.gen(function* () {
    const node = make()
    const pod = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID=u1"
    yield* add(node, "0958c8871b32cafe", { CNI_ARGS: pod })
    yield* add(node, "c1", {}, { name: "net-b" })
    yield* add(node, "c1", { CNI_IFNAME: "net10" })
    const { stderr, stdout, well } = yield* listed(node)
    assert.deepStrictEqual([well, stderr], [true, ""])
    const first = portOf("0958c8871b32cafe")
    assert.deepStrictEqual(cells(stdout), [
      heads,
      ["net-a", "-", "c1", "net10", "ovs-dpdk", portOf("c1", "net-a", "net10"), "disconnected"],
      ["net-a", "default/web-0", "0958c8871b32", "net1", "ovs-dpdk", first, "disconnected"],
      ["net-b", "-", "c1", "net1", "ovs-dpdk", portOf("c1", "net-b"), "disconnected"]
    ])
    assert.lengthOf(cells((yield* listed(node, "--network", "net-b")).stdout), 2)
    const { attachments } = yield* json(node)
    const { since, ...second } = attachments[1] ?? assert.fail("there is no second")
    assert.match(String(since), /^\d{4}-\d\d-\d\dT/)
    assert.deepStrictEqual(second, {
      network: "net-a",
      containerId: "0958c8871b32cafe",
      ifName: "net1",
      pod: { namespace: "default", name: "web-0", uid: "u1" },
      engine: "ovs-dpdk",
      control: database,
      port: first,
      socketPath: "/run/userspace/0958c8871b32/0958c8871b32-net1",
      state: "disconnected",
      lastState: null,
      recorded: true,
      netns: sandboxOf("0958c8871b32cafe"),
      device: null,
      sandbox: "there"
    })
  })
)

it.effect("a record without a port, a port without a record, and a sandbox that is gone", () =>
  Effect.gen(function* () {
    const node = make()
    yield* add(node, "c1")
    yield* add(node, "c2")
    yield* add(node, "c3")
    yield* removePort(node, portOf("c1"))
    node.files.remove(recordOf("c2-net1"))
    node.sandboxes.delete(sandboxOf("c3"))
    const { stdout, well } = yield* listed(node)
    assert.isTrue(well)
    assert.deepStrictEqual(cells(stdout).slice(1), [
      ["net-a", "-", "c1", "net1", "ovs-dpdk", "-", "missing"],
      ["net-a", "-", "c2", "net1", "ovs-dpdk", portOf("c2"), "disconnected, no record"],
      ["net-a", "-", "c3", "net1", "ovs-dpdk", portOf("c3"), "disconnected, sandbox gone"]
    ])
  })
)

it.effect("ports of ours without any record, where a switch is by default or is named", () =>
  Effect.gen(function* () {
    const node = make()
    yield* add(node, "c1")
    loseRecords(node)
    assert.strictEqual((yield* listed(node)).stdout, nothing)
    assert.include((yield* listed(node, "--ovs-socket", database)).stdout, portOf("c1"))
    node.files.put(database, "socket")
    assert.include((yield* listed(node)).stdout, portOf("c1"))
  })
)

it.effect("an ADD that is running, or was killed, from its first moment on", () =>
  Effect.gen(function* () {
    const node = make()
    yield* add(node, "c1")
    const record = node.files.get(recordOf("c1-net1"))
    assert.isDefined(record)
    record.mode = 0o400
    const unfinished = ["net-a", "-", "c1", "net1", "ovs-dpdk", portOf("c1"), "unfinished"]
    assert.deepStrictEqual(cells((yield* listed(node)).stdout)[1], unfinished)
    yield* removePort(node, portOf("c1"))
    assert.deepStrictEqual(cells((yield* listed(node)).stdout)[1], unfinished.with(5, "-"))
  })
)

it.effect("attachments of the original plugin, on either switch", () =>
  Effect.gen(function* () {
    const node = make()
    const data = `${stateDir}/data/local-`
    node.files.put(
      `${data}0958c8871b32-net1.json`,
      "file",
      '{"vhostname":"0958c8871b32-net1","vhostmac":"","ifmac":""}'
    )
    node.files.put(`${data}aaaaaaaaaaaa-net2.json`, "file", '{"swIfIndex":3,"memifSocketId":2}')
    node.files.put(`${data}bbbbbbbbbbbb-net3.json`, "file", "{")
    yield* add(node, "c1")
    assert.deepStrictEqual(cells((yield* listed(node)).stdout).slice(2), [
      ["-", "-", "0958c8871b32", "net1", "ovs-dpdk", "0958c8871b32-net1", "original"],
      ["-", "-", "aaaaaaaaaaaa", "net2", "vpp", "sw_if_index 3", "original"],
      ["-", "-", "bbbbbbbbbbbb", "net3", "-", "-", "original"]
    ])
  })
)

it.effect("attachments of its fork, with state files and without, and whether the pod is gone", () =>
  Effect.gen(function* () {
    const node = make()
    const pod = "/var/lib/kubelet/pods/u1/volumes/kubernetes.io~empty-dir/shared-dir"
    const names = ["0958c8871b32-net1", "0958c8871b32-net10", "aaaaaaaaaaaa-net1"] as const
    yield* node.ovs.transact(forkBridge("br-fork"))
    const made = { bridge: "br-fork", socketPath: undefined }
    yield* node.ovs.transact(forkPort({ ...made, name: names[0], ids: forkMarks("0958c8871b32cafe") }))
    const gone = { name: names[2], ids: forkMarks("aaaaaaaaaaaaffff"), socketPath: `${pod}/${names[2]}` }
    yield* node.ovs.transact(forkPort({ ...made, ...gone }))
    yield* node.ovs.transact(forkPort({ ...made, name: "half", ids: { owner: "userspace-cni" } }))
    node.files.put("/var/lib/kubelet/pods", "directory")
    for (const name of [names[0], names[1]]) {
      node.files.put(`${stateDir}/data/local-${name}.json`, "file", `{"vhostname":"${name}","vhostmac":"","ifmac":""}`)
    }
    node.files.put(database, "socket")
    node.ovs.look()
    assert.deepStrictEqual(cells((yield* listed(node)).stdout).slice(1), [
      ["-", "-", "0958c8871b32", "net10", "ovs-dpdk", names[1], "original"],
      ["-", "-", "0958c8871b32", "net1", "ovs-dpdk", names[0], "fork"],
      ["-", "-", "aaaaaaaaaaaa", "net1", "ovs-dpdk", names[2], "fork, sandbox gone"]
    ])
    const { attachments } = yield* json(node)
    assert.deepInclude(attachments[2], {
      containerId: "aaaaaaaaaaaaffff",
      socketPath: gone.socketPath,
      control: database
    })
  })
)

it.effect("records in a given directory, and of a network that has its own switch", () =>
  Effect.gen(function* () {
    const node = make()
    yield* add(node, "c1", {}, { stateDir: "/state" })
    assert.strictEqual((yield* listed(node)).stdout, nothing)
    assert.include((yield* listed(node, "--state-dir", "/state")).stdout, portOf("c1"))
  })
)

it.effect("names a damaged record, lists what is known without it, and fails", () =>
  Effect.gen(function* () {
    const node = make()
    yield* add(node, "c1")
    node.files.put(database, "socket")
    const path = recordOf("c1-net1")
    node.files.put(path, "file", node.files.get(path)?.content.slice(0, 300) ?? "", 0o600)
    const { stderr, stdout, well } = yield* listed(node)
    assert.isFalse(well)
    assert.include(stdout, "disconnected, no record")
    assert.include(stderr, `read the record ${path}: the file is corrupt\n  -> Delete the pod`)
    const { problems } = yield* json(node)
    assert.deepStrictEqual(
      problems.map(({ code }) => code),
      [5]
    )
  })
)

const runDir = "/var/run/openvswitch"

/** The sources of attachments on the node, and the messages about them. */
const dead: Readonly<Record<string, readonly [files: Readonly<Record<string, string>>, said: RegExp]>> = {
  "was killed": [
    { "ovs-vswitchd.pid": "7\n", "ovs-vswitchd.7.ctl": "" },
    /^ {2}Open vSwitch: list ports: ovs-vswitchd does not answer on .*7\.ctl \(ENOENT\); it was started at 1970-01-01T/m
  ],
  "was stopped": [
    { "ovsdb-server.pid": "6\n" },
    /^ {2}Open vSwitch: list ports: ovs-vswitchd is not running: \/var\/run\/openvswitch has a pidfile of ovsdb-server but none of ovs-vswitchd; it ended at 1970-01-01T\S+ or before/m
  ]
}

describe("an ovs-vswitchd that does not answer", () => {
  it.effect.each(Object.entries(dead))("because it %s: the last state is marked as such", ([, [files, said]]) =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c1")
      yield* add(node, "c2")
      for (const [name, content] of Object.entries(files)) {
        node.files.put(`${runDir}/${name}`, name.endsWith(".ctl") ? "socket" : "file", content)
      }
      const { stderr, stdout, well } = yield* listed(node)
      assert.isFalse(well)
      assert.deepStrictEqual(cells(stdout)[1]?.slice(5), [portOf("c1"), "unknown, was disconnected"])
      assert.match(stderr, /^userspace: a switch does not answer; the state of its ports is unknown\n/)
      assert.match(stderr, said)
      assert.lengthOf(stderr.match(/list ports/g) ?? [], 1)
      const { attachments, problems } = yield* json(node)
      assert.deepStrictEqual(
        attachments.map(({ lastState, state }) => [state, lastState]),
        [
          ["unknown", "disconnected"],
          ["unknown", "disconnected"]
        ]
      )
      assert.deepStrictEqual(
        problems.map(({ code }) => code),
        [11]
      )
    })
  )

  it.effect("in another PID namespace: no state is claimed", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c1")
      node.files.put(`${runDir}/ovsdb-server.pid`, "file", "6\n")
      node.files.put(`${runDir}/ovs-vswitchd.8.ctl`, "socket")
      assert.include((yield* listed(node)).stdout, "disconnected")
    })
  )
})

it.effect("reports what it could not inspect, lists the rest, and fails", () =>
  Effect.gen(function* () {
    const node = make()
    yield* add(node, "c1")
    node.refusal = "ECONNREFUSED"
    const { stderr, stdout, well } = yield* listed(node)
    assert.isFalse(well)
    assert.deepStrictEqual(cells(stdout)[1], ["net-a", "-", "c1", "net1", "ovs-dpdk", "-", "unknown"])
    assert.match(stderr, /^userspace: the list may be incomplete\n {2}Open vSwitch: list ports: /)
    assert.include(stderr, `-> Check that ovsdb-server runs on this node, that ${database} is its socket`)
    const { problems } = yield* json(node)
    assert.deepStrictEqual(
      problems.map(({ code }) => code),
      [11]
    )
  })
)
