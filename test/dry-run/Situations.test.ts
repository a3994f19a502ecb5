/**
 * What a dry run determines and reports: whether the switch was read, what would fail, what stays unknown, no secrets.
 */

import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { planText } from "../../src/cli/print/PlanText.ts"
import { plain } from "../../src/cli/print/Printer.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { Plan } from "../../src/dry-run/plan/Plan.ts"
import { set } from "../../src/ovs/client/OvsdbMessages.ts"
import { CurrentUser } from "../../src/platform/process/CurrentUser.ts"
import { dry, network, real, step, withHost } from "./support/Calls.ts"
import { database, make, type Node } from "./support/MemoryNode.ts"

const bridge = (node: Node, columns: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const [root] = yield* node.ovs.transact([{ op: "select", table: "Open_vSwitch", where: [], columns: ["_uuid"] }])
    assert.isDefined(root)
    yield* node.ovs.transact([
      { op: "insert", table: "Interface", "uuid-name": "i", row: { name: "br-a", type: "internal" } },
      { op: "insert", table: "Port", "uuid-name": "p", row: { name: "br-a", interfaces: ["named-uuid", "i"] } },
      {
        op: "insert",
        table: "Bridge",
        "uuid-name": "b",
        row: { name: "br-a", ports: ["named-uuid", "p"], ...columns }
      },
      { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", set([["named-uuid", "b"]])]] }
    ])
  })

it.effect("says that the switch was read, and uses what is there", () =>
  Effect.gen(function* () {
    const node = make()
    yield* bridge(node, { datapath_type: "netdev" })
    const plan = yield* dry(node, "ADD")
    assert.deepStrictEqual(plan.notes, [`Open vSwitch was read at ${database}.`])
    assert.isNull(plan.error)
    const [plug] = step(plan, "plug the port")?.changes ?? []
    assert.strictEqual(plug?.kind, "ovsdb")
    if (plug?.kind !== "ovsdb") return
    assert.notInclude(plug.ovsVsctl, "add-br")
    assert.include(plug.ovsVsctl, "add-port br-a usp")
    const [undo] = step(plan, "plug the port")?.undo ?? []
    assert.match(undo?.kind === "ovsdb" ? undo.ovsVsctl : "", /^ovs-vsctl --no-wait del-port br-a usp\w+$/)
  })
)

it.effect.each([
  ["ENOENT", "in this state ADD would fail."],
  ["EACCES", "run it as root to inspect the real one."]
])("plans for an empty switch when there is none: %s", ([code, said]) =>
  Effect.gen(function* () {
    const node = make()
    yield* bridge(node, { datapath_type: "netdev" })
    node.refusal = code
    const plan = yield* dry(node, "ADD")
    assert.deepStrictEqual(plan.notes, [
      `Open vSwitch could not be read (connect on ${database}: ${code}). The plan is for an empty switch with DPDK; ${said}`
    ])
    assert.isNull(plan.error)
    assert.deepStrictEqual(plan.obstacles, code === "EACCES" ? [] : [`Open vSwitch: connect on ${database}: ${code}`])
    const [plug] = step(plan, "plug the port")?.changes ?? []
    assert.include(plug?.kind === "ovsdb" ? plug.ovsVsctl : "", "add-br br-a")
  })
)

it.effect("reports that it runs as another user than the real call, and what would differ", () =>
  Effect.gen(function* () {
    const node = make()
    const conf = {
      ...network,
      sharedDir: "/run/userspace",
      logLevel: "loud",
      ipm: {},
      vhost: {},
      cniVersions: [],
      sharddir: "/x",
      capabilities: {}
    }
    const nobody = { ...node, edges: Layer.merge(node.edges, Layer.succeed(CurrentUser, { uid: 7, gids: [7] })) }
    const { notes, warnings } = yield* dry(nobody, "ADD", conf)
    assert.match(notes.join("\n"), /^Open vSwitch was read at .*\nThe plan assumes root/)
    assert.deepStrictEqual(warnings, [
      'logLevel "loud" is not panic, error, warning, info, debug, verbose: using warning',
      '"ipm" is not a key of this plugin and is ignored: did you mean ipam?',
      '"sharddir" is not a key of this plugin and is ignored: did you mean sharedDir?'
    ])
  })
)

it.effect("reports that ovs-vswitchd is dead while its database answers", () =>
  Effect.gen(function* () {
    const node = make()
    node.files.put("/var/run/openvswitch/ovs-vswitchd.ctl", "socket")
    const { notes, obstacles } = yield* dry(node, "ADD")
    assert.match(obstacles.join(), /^ovs-vswitchd does not answer on/)
    assert.include(notes[1], "In this state ADD would wait for ovs-vswitchd, fail and roll back")
    assert.include(notes[1], "/var/run/openvswitch/ovs-vswitchd.ctl")
  })
)

it.effect("adds the flow of a port on a bridge in fail_mode secure, and removes it again", () =>
  Effect.gen(function* () {
    const node = make()
    yield* bridge(node, { datapath_type: "netdev", fail_mode: "secure" })
    const plan = yield* dry(node, "ADD")
    const flows = (changes: ReadonlyArray<(typeof plan.steps)[number]["changes"][number]> = []) =>
      changes.flatMap((change) => (change.kind === "openflow" ? [change.ovsOfctl] : []))
    const [learn] = flows(step(plan, "plug the port")?.changes)
    const [forget] = flows(step(plan, "plug the port")?.undo)
    assert.match(
      learn ?? "",
      /^ovs-ofctl -O OpenFlow13 add-flow br-a cookie=0x[0-9a-f]+,priority=1,in_port=usp\w+,actions=NORMAL$/
    )
    const cookie = /cookie=(0x[0-9a-f]+)/.exec(learn ?? "")?.[1]
    assert.strictEqual(forget, `ovs-ofctl -O OpenFlow13 del-flows br-a cookie=${cookie}/-1`)
  })
)

const failing: ReadonlyArray<readonly [string, number, string, (node: Node) => Effect.Effect<unknown, unknown>]> = [
  [
    "a bridge of the kernel's",
    ErrorCodes.SwitchRefused,
    "vhost-user ports need netdev",
    (node: Node) => bridge(node, { datapath_type: "system" })
  ],
  [
    "an attachment that is there",
    ErrorCodes.AlreadyAttached,
    "this attachment has existed since",
    (node: Node) => real(node, "ADD")
  ],
  [
    "no DPDK",
    ErrorCodes.DpdkMissing,
    "DPDK is not initialized",
    (node: Node) =>
      Effect.sync(() => {
        node.ovs.vswitchd.dpdk = false
        node.ovs.look()
      })
  ],
  [
    "no IPAM plugin",
    ErrorCodes.IpamFailed,
    "host-local ADD: not found along CNI_PATH=/opt/cni/bin",
    (node: Node) => Effect.sync(() => node.files.remove("/opt/cni/bin/host-local"))
  ],
  [
    "an IPAM plugin that cannot be run",
    ErrorCodes.IpamFailed,
    "could not be run: EACCES",
    (node: Node) => Effect.sync(() => node.files.put("/opt/cni/bin/host-local", "file", "", 0o644))
  ],
  [
    "a file where the directory should be",
    ErrorCodes.IoFailure,
    "ENOTDIR",
    (node: Node) => Effect.sync(() => node.files.put("/run/userspace", "file"))
  ]
]

it.effect.each(failing)("fails as the call would: %s", ([, code, said, prepare]) =>
  Effect.gen(function* () {
    const node = make()
    yield* prepare(node)
    const plan = yield* dry(node, "ADD")
    assert.strictEqual(plan.error?.code, code)
    assert.include(plan.error?.msg, said)
    assert.isNull(plan.result)
    const error = yield* Effect.flip(real(node, "ADD"))
    // Only the time of the attachment differs.
    assert.deepStrictEqual<unknown>(plan.error, { code: error.code, msg: error.msg, details: error.details })
  })
)

it.effect("refuses an invalid configuration", () =>
  Effect.gen(function* () {
    const node = make()
    const plan = yield* dry(node, "ADD", withHost({ iftype: "memif" }))
    assert.strictEqual(plan.error?.code, ErrorCodes.InvalidConfiguration)
    assert.deepStrictEqual(plan.steps, [])
    const error = yield* Effect.flip(dry(node, "CHECK", { ...network, cniVersion: "0.3.1" }))
    assert.strictEqual(error.code, ErrorCodes.IncompatibleVersion)
  })
)

it.effect("reports what only the real call will know, and its warnings", () =>
  Effect.gen(function* () {
    const node = make()
    const plan = yield* dry(node, "ADD", withHost({ vhost: { mode: "server" } }))
    assert.deepStrictEqual(plan.unknown, ["the addresses, routes and DNS servers: host-local assigns them"])
    assert.deepStrictEqual(plan.result?.["ips"], [{ address: "unknown", interface: 0 }])
    assert.lengthOf(plan.warnings, 1)
    assert.include(plan.warnings[0], "vhost.mode server (dpdkvhostuser) is deprecated")
    const { ipam: _, ...without } = network
    assert.deepStrictEqual((yield* dry(node, "ADD", without)).unknown, [])
  })
)

it.effect("plans CHECK without the IPAM plugin", () =>
  Effect.gen(function* () {
    const node = make()
    yield* real(node, "ADD")
    const well = yield* dry(node, "CHECK")
    assert.isNull(well.error)
    assert.deepStrictEqual(
      well.steps.flatMap(({ changes }) => changes),
      [{ kind: "ipam", plugin: "host-local", verb: "CHECK", program: "/opt/cni/bin/host-local" }]
    )
    node.files.remove("/run/userspace/c1/configData-c1-net1.json")
    assert.include((yield* dry(node, "CHECK")).error?.msg, "configData-c1-net1.json is missing")
    yield* real(node, "DEL")
    assert.strictEqual((yield* dry(node, "CHECK")).error?.code, ErrorCodes.UnknownContainer)
  })
)

it.effect("hides every secret of the configuration", () =>
  Effect.gen(function* () {
    const node = make()
    const secret = "s3cr3t-of-the-memif"
    const conf = { ...network, container: { memif: { secret } }, args: { cni: { token: secret } } }
    for (const verb of ["ADD", "DEL", "CHECK"] as const) {
      const plan = yield* dry(node, verb, conf)
      assert.notInclude(JSON.stringify(plan), secret)
      assert.notInclude(planText(plan, plain), secret)
      if (verb === "ADD") yield* real(node, "ADD", conf)
    }
    // It is in the record, of which the plan shows name, mode and size.
    assert.isTrue(node.files.dump().some((line) => line.includes(secret)))
  })
)

it.effect("has the documented shape", () =>
  Effect.gen(function* () {
    const node = make()
    for (const verb of ["ADD", "DEL", "CHECK"] as const) {
      const plan = yield* dry(node, verb)
      const text = JSON.stringify(plan)
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Plan))(text), plan)
      if (verb === "ADD") yield* real(node, "ADD")
    }
  })
)

it.effect("refers to rows by the switch's UUIDs, and to new ones by their names in the plan", () =>
  Effect.gen(function* () {
    const node = make()
    yield* bridge(node, { datapath_type: "netdev" })
    const { steps } = yield* dry(node, "ADD")
    const operations = steps
      .flatMap(({ changes, undo }) => [...changes, ...undo])
      .flatMap((change) => (change.kind === "ovsdb" ? change.operations : []))
    const references = new Set(JSON.stringify(operations).match(/\["(named-)?uuid","[^"]*"\]/g))
    const tables = yield* node.ovs.transact(
      ["Bridge", "Port", "Interface"].map((table) => ({ op: "select", table, where: [], columns: ["_uuid"] }))
    )
    const there = JSON.stringify(tables)
    const [known, made] = [
      [...references].filter((one) => there.includes(one)),
      [...references].filter((one) => one.includes("named"))
    ]
    assert.isNotEmpty(known)
    assert.sameMembers(made, ['["named-uuid","interface"]', '["named-uuid","port"]'])
    assert.strictEqual(known.length + made.length, references.size)
  })
)
