/** A dry run for VPP changes nothing there, and says what the call then does. */
import * as fs from "node:fs"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Change, Plan } from "../../src/dry-run/plan/Plan.ts"
import { changes } from "../../src/dry-run/vpp/VppChanges.ts"
import { toTag as captureTag } from "../../src/vpp/VppMirrors.ts"
import type { Release } from "../vpp/server/Release.ts"
import type { Conf, Verb } from "./support/Calls.ts"
import { hosts, make, type VppNode } from "./support/VppNode.ts"

const bridge = (more: Conf = {}) => ({ memif: { role: "master" }, bridge: { bridgeName: "4", ...more } })

const releases: ReadonlyArray<Release> = ["21.10", "23.02", "26.06"]
const cases = releases.flatMap((release) => hosts.map(([name, host]) => [release, name, host] as const))

/** Indices are not known before, and an ADD has another UUID every time. */
const plain = (name: string, values: Conf) => {
  const known = Object.entries(values).filter(([key]) => !/sw_if_index(_from|_to)?$/.test(key))
  return `${name} ${JSON.stringify(known).replaceAll(/(userspace\/1\/\w{20})\/[0-9a-f]{8}\//g, "$1/UUID/")}`
}

const told = (changes: ReadonlyArray<Change>) =>
  changes.flatMap((change) =>
    change.kind === "vpp" ? change.calls.map((call) => plain(call.message, call.arguments)) : []
  )
const planned = ({ steps }: Plan) => told(steps.flatMap((step) => step.changes))
const undone = ({ steps }: Plan) => told(steps.toReversed().flatMap((step) => step.undo))

const done = ({ heard, server }: VppNode) =>
  heard
    .filter(({ name }) => name !== "sockclnt_delete")
    .map(({ name, raw }) => {
      const told = changes.get(name)?.tell(raw, (index) => server.model.nameOf(index))
      return plain(name, told?.arguments ?? assert.fail(name))
    })

/** Fails when VPP received a change. */
const unheard = Effect.fnUntraced(function* (node: VppNode, verb: Verb, host: Conf, more: Conf = {}) {
  const before = node.state()
  node.heard.length = 0
  const plan = yield* node.dry(verb, host, more)
  assert.deepStrictEqual(done(node), [])
  assert.strictEqual(node.state(), before)
  assert.deepStrictEqual([node.server.mistakes, node.server.rude], [[], 0])
  return plan
})

it.live.each(cases)("VPP %s, %s: ADD, CHECK and DEL do what was planned", ([release, , host]) =>
  Effect.gen(function* () {
    const node = yield* make(release)
    const before = node.state()
    const add = yield* unheard(node, "ADD", host)
    assert.isNull(add.error)
    const result = yield* node.real("ADD", host)
    assert.deepStrictEqual(planned(add), done(node))
    assert.isNotEmpty(planned(add))
    assert.deepStrictEqual<unknown>(add.result, result)
    assert.notInclude(JSON.stringify(add), "hush")

    const check = yield* unheard(node, "CHECK", host, { prevResult: result })
    assert.deepStrictEqual([check.error, check.steps], [null, []])

    const del = yield* unheard(node, "DEL", host)
    yield* node.real("DEL", host)
    assert.deepStrictEqual(planned(del), done(node))
    assert.isNotEmpty(planned(del))
    assert.strictEqual(node.state(), before)
  })
)

it.live("DEL of a port that is being captured ends its copies as planned, and nobody else's", () =>
  Effect.gen(function* () {
    const node = yield* make()
    yield* node.real("ADD", bridge())
    const { model } = node.server
    const port = [...model.interfaces.values()].find(({ memif }) => memif !== undefined)
    const from = port?.row.sw_if_index ?? assert.fail()
    const tag = captureTag({ key: "a".repeat(20), lease: { process: "1.2.3", expires: 1 } })
    for (const [device, tag_] of [
      ["usc00000000000o", tag],
      ["another", "theirs"]
    ] as const) {
      const { row } = model.add({ interface_name: `host-${device}`, interface_dev_type: "af-packet", tag: tag_ })
      const span = { sw_if_index_from: from, sw_if_index_to: row.sw_if_index, state: 1, is_l2: false }
      model.spans.set(`${from} ${row.sw_if_index}`, span)
    }
    const del = yield* unheard(node, "DEL", bridge())
    assert.match(JSON.stringify(del), /"set interface span memif\d+\/0 destination host-usc00000000000o disable"/)
    yield* node.real("DEL", bridge())
    const ended = (calls: ReadonlyArray<string>) => calls.filter((call) => call.startsWith("sw_interface_span"))
    assert.deepStrictEqual(planned(del), done(node))
    assert.lengthOf(ended(planned(del)), 1)
  })
)

it.live.each(hosts)("a failing ADD rolls back as planned: %s", ([, host]) =>
  Effect.gen(function* () {
    const node = yield* make()
    const plan = yield* unheard(node, "ADD", host)
    // An obstacle for the very last step.
    fs.mkdirSync(`${node.directory}/shared/c1/configData-c1-net1.json/in-the-way`, { recursive: true })
    node.heard.length = 0
    yield* Effect.flip(node.real("ADD", host))
    assert.deepStrictEqual([...planned(plan), ...undone(plan)], done(node))
  })
)

/** Of a pod. */
const bandwidth = {
  capabilities: { bandwidth: true },
  runtimeConfig: {
    bandwidth: { egressRate: 20_000_000, egressBurst: 4_000_000, ingressRate: 10_000_000, ingressBurst: 4_000_000 }
  }
}

it.live("limits of a pod are planned with their lines, and done as planned", () =>
  Effect.gen(function* () {
    const node = yield* make("26.06", true)
    const before = node.state()
    const add = yield* unheard(node, "ADD", bridge(), bandwidth)
    assert.deepStrictEqual(add.warnings, [])
    const lines = add.steps
      .flatMap(({ changes }) => changes.flatMap((one) => (one.kind === "vpp" ? one.calls : [])))
      .flatMap(({ vppctl }) => vppctl)
      .filter((line) => line.startsWith("policer"))
    const name = "name userspace/1/[a-z2-7]{20}/[a-z2-7]{8}/c1/"
    const rates = "conform-action transmit exceed-action drop violate-action drop"
    for (const [n, line] of [
      `^policer add ${name}input type 1r2c cir 20000 cb 500000 rate kbps round closest ${rates}$`,
      `^policer input ${name}input memif[0-9]+/0$`,
      `^policer add ${name}output type 1r2c cir 10000 cb 500000 rate kbps round closest ${rates}$`,
      `^policer output ${name}output memif[0-9]+/0$`
    ].entries()) {
      assert.match(lines[n] ?? "", new RegExp(line))
    }
    assert.lengthOf(lines, 4)
    yield* node.real("ADD", bridge(), bandwidth)
    assert.deepStrictEqual(planned(add), done(node))

    const del = yield* unheard(node, "DEL", bridge(), bandwidth)
    yield* node.real("DEL", bridge(), bandwidth)
    assert.deepStrictEqual(planned(del), done(node))
    assert.strictEqual(node.state(), before)
  })
)

it.live("limits that VPP cannot apply are warned about in the plan", () =>
  Effect.gen(function* () {
    const plan = yield* unheard(yield* make("23.02"), "ADD", bridge(), bandwidth)
    assert.deepStrictEqual(plan.warnings, [
      "traffic to the container is not limited (ingressRate): in a bridge domain it needs VPP 26.06 or later"
    ])
  })
)

it.live("an existing bridge domain is joined, and left in place", () =>
  Effect.gen(function* () {
    const node = yield* make()
    const other = yield* unheard(node, "ADD", bridge())
    node.server.model.addDomain(4, {})
    const plan = yield* unheard(node, "ADD", bridge())
    const made = ({ steps }: Plan) =>
      steps
        .flatMap(({ changes }) => changes.flatMap((one) => (one.kind === "vpp" ? one.calls : [])))
        .find(({ message }) => message === "bridge_domain_add_del_v2")
    assert.strictEqual(made(other)?.retval, undefined)
    assert.deepStrictEqual([made(plan)?.retval, made(plan)?.vppctl], [-119, []])
    assert.isBelow(undone(plan).length, undone(other).length)
  })
)

it.live("the dry run refuses what the call would refuse, with the same words", () =>
  Effect.gen(function* () {
    const node = yield* make()
    yield* node.real("ADD", bridge())
    const plan = yield* unheard(node, "ADD", bridge())
    const error = yield* Effect.flip(node.real("ADD", bridge()))
    assert.deepStrictEqual(plan.error, { code: error.code, msg: error.msg, details: error.details })
    assert.deepStrictEqual(planned(plan), [])
  })
)

it.live("without VPP the plan is for an empty one, and says so", () =>
  Effect.gen(function* () {
    const node = yield* make()
    const there = yield* unheard(node, "ADD", bridge())
    assert.deepStrictEqual(there.notes, [`VPP was read at ${node.server.path}.`])
    const socket = `${node.directory}/nobody.sock`
    const plan = yield* node.dry("ADD", { ...bridge(), socket })
    assert.deepStrictEqual(planned(plan), planned(there))
    assert.deepStrictEqual(plan.notes, [
      `VPP could not be read at ${socket} (cannot connect: ENOENT). The plan is for an empty VPP of a new release with all plugins; in this state ADD would fail.`
    ])
    assert.deepStrictEqual(planned(yield* node.dry("DEL", { ...bridge(), socket })), [])
  })
)

it.live("addresses that only IPAM knows stay open", () =>
  Effect.gen(function* () {
    const node = yield* make()
    const plan = yield* unheard(node, "ADD", { ...bridge(), netType: "interface" }, { ipam: { type: "host-local" } })
    assert.isNull(plan.error)
    assert.strictEqual(plan.unknown.length, 2)
    assert.isFalse(planned(plan).some((line) => line.startsWith("sw_interface_add_del_address")))
  })
)
