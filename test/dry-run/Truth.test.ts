/** The call does what the dry run says. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { netChanges } from "../../src/cli/print/NetChanges.ts"
import type { Change, Plan } from "../../src/dry-run/plan/Plan.ts"
import { type Conf, dry, network, real, withHost } from "./support/Calls.ts"
import { make, type Node } from "./support/MemoryNode.ts"

const paths = (node: Node) => new Map(node.files.dump().map((line) => [line.split(" ")[0] ?? "", line]))

/** Kind, mode and path of what exists now and did not before, or the reverse. */
const difference = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) =>
  [...after]
    .flatMap(([path, line]) => (before.has(path) ? [] : [`${path} ${line.split(" ")[2]?.padStart(4, "0")}`]))
    .sort()

const all = ({ steps }: Plan): ReadonlyArray<Change> => steps.flatMap((step) => step.changes)

const planned = (changes: ReadonlyArray<Change>, sign: "+" | "-") =>
  netChanges(changes, "markers too").filter((change) => change.sign === sign)

/** An invocation and new rows have other UUIDs every time. */
const anonymous = (value: unknown) =>
  JSON.stringify(value).replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")

const confs: ReadonlyArray<readonly [string, Conf]> = [
  ["client mode", network],
  ["server mode", withHost({ vhost: { mode: "server" } })],
  [
    "VLAN, trunks, MTU, policing, queues, a group",
    withHost({
      mtu: 9000,
      vhost: { mode: "client", group: "107", queues: 2, ingressPolicingRate: 1000, ingressPolicingBurst: 100 },
      bridge: { bridgeName: "br-a", vlanId: 5, trunks: [6, 7] }
    })
  ],
  ["no addresses", (({ ipam: _, ...rest }) => rest)(network)],
  ["a directory whose path is too long for a socket", { ...network, sharedDir: `/run/${"long/".repeat(25)}dir` }]
]

it.effect.each(confs)("of ADD: %s", ([, conf]) =>
  Effect.gen(function* () {
    const node = make()
    const plan = yield* dry(node, "ADD", conf)
    assert.isNull(plan.error)
    const before = paths(node)
    node.committed.length = 0
    const result = yield* real(node, "ADD", conf)

    const made = planned(all(plan), "+").map(({ path, what }) => `${path} ${/\d{4}/.exec(what)?.[0] ?? "0777"}`)
    const sockets = node.files.dump().filter((line) => line.includes(" socket "))
    // The switch creates the socket itself.
    const own = difference(before, paths(node)).filter((line) => !/openvswitch\/usp/.test(line))
    const names = (lines: ReadonlyArray<string>) => lines.map((line) => line.split(" ")[0]).sort()
    assert.deepStrictEqual(names(made), names(own))
    if (sockets.length === 0) assert.deepStrictEqual(made.sort(), own)

    const committed = node.committed
    const foretold = all(plan).flatMap((change) => (change.kind === "ovsdb" ? [change.operations] : []))
    assert.strictEqual(committed.length, 1)
    assert.strictEqual(anonymous(foretold), anonymous(committed))

    const { ips: _, routes: __, ...known } = { ips: [], routes: [], ...result }
    const { ips: ___, routes: ____, ...said } = { ips: [], routes: [], ...plan.result }
    assert.deepStrictEqual(said, known)
    assert.deepStrictEqual(
      node.runs.map(({ env, program }) => `${program} ${env["CNI_COMMAND"]}`),
      all(plan).flatMap((change) => (change.kind === "ipam" ? [`${change.program} ${change.verb}`] : []))
    )
  })
)

it.effect.each(confs)("of the rollback of ADD: %s", ([, conf]) =>
  Effect.gen(function* () {
    const node = make()
    const plan = yield* dry(node, "ADD", conf)
    const made = planned(all(plan), "+").map(({ path }) => path)
    const gone = planned(
      plan.steps.flatMap(({ undo }) => undo),
      "-"
    ).map(({ path }) => path)
    // In server mode the switch removes its socket by itself; the name for it is ours.
    assert.deepStrictEqual([...new Set(gone)].sort(), [...made].sort())
  })
)

it.effect("of the rollback on the switch: a failing ADD does the same", () =>
  Effect.gen(function* () {
    const node = make()
    const plan = yield* dry(node, "ADD")
    // An obstacle for the very last step.
    node.files.put("/run/userspace/c1/configData-c1-net1.json/in-the-way", "file")
    yield* Effect.flip(real(node, "ADD"))
    const undo = plan.steps.flatMap((step) =>
      step.undo.flatMap((one) => (one.kind === "ovsdb" ? [one.operations] : []))
    )
    const [, ...withdrawn] = node.committed
    assert.strictEqual(withdrawn.length, 1)
    const names = (text: string) => text.replaceAll(/\["(named-)?uuid","(UUID|port|bridge|local_port)"\]/g, "ROW")
    assert.strictEqual(names(anonymous(undo)), names(anonymous(withdrawn)))
    assert.deepStrictEqual(
      node.runs.map(({ env }) => env["CNI_COMMAND"]),
      ["ADD", "DEL"]
    )
  })
)

it.effect.each(confs)("of DEL: %s", ([, conf]) =>
  Effect.gen(function* () {
    const node = make()
    yield* real(node, "ADD", conf)
    const plan = yield* dry(node, "DEL", conf)
    const before = paths(node)
    node.committed.length = 0
    yield* real(node, "DEL", conf)
    const gone = planned(all(plan), "-").map(({ path }) => path)
    const really = [...before.keys()].filter((path) => !paths(node).has(path) && !/openvswitch\/usp/.test(path))
    assert.deepStrictEqual(gone.sort(), really.sort())
    const foretold = all(plan).flatMap((change) => (change.kind === "ovsdb" ? [change.operations] : []))
    assert.deepStrictEqual<unknown>(foretold, node.committed)
  })
)
