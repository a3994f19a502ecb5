/** `userspace gc` for several networks and for all of a node in memory, from the records and by sandbox. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { network } from "../dry-run/support/Calls.ts"
import { database, make } from "../dry-run/support/MemoryNode.ts"
import { forkBridge, forkMarks, forkPort } from "../suites/ForkPort.ts"
import { untilTrue } from "../support/Until.ts"
import { add, sandboxOf, stateDir } from "./support/Attached.ts"
import { collect, ports, valid } from "./support/Collected.ts"
import { file, type } from "./support/Terminal.ts"

const definition = (name: string, config: unknown) => ({
  kind: "NetworkAttachmentDefinition",
  metadata: { name, namespace: "default" },
  spec: config === undefined ? {} : { config: JSON.stringify(config) }
})

/** The output of `kubectl get net-attach-def -A -o json` on a cluster. */
const several = {
  kind: "List",
  items: [
    definition("a", network),
    definition("other", { cniVersion: "1.0.0", type: "macvlan" }),
    definition("b", {
      cniVersion: "1.1.0",
      name: "net-b",
      plugins: [{ type: "tuning" }, { ...network, name: undefined }]
    }),
    definition("on-the-node", undefined)
  ]
}

const twoNetworks = Effect.fnUntraced(function* () {
  const node = make()
  for (const id of ["c1", "c2"]) {
    yield* add(node, id)
    yield* add(node, id, {}, { name: "net-b", host: { ...network.host, bridge: { bridgeName: "br-b" } } })
  }
  node.sandboxes.delete(sandboxOf("c1"))
  return node
})

describe("all networks of the node", () => {
  it.effect("without a configuration, by sandbox, is what the dry run printed, complete", () =>
    Effect.gen(function* () {
      const node = yield* twoNetworks()
      const before = node.state()
      const dry = yield* type(node, ["gc", "--by-sandbox", "--dry-run"])
      assert.isTrue(dry.well, dry.stderr)
      assert.include(dry.stdout, "Dry run of GC: all networks. Nothing was changed.")
      assert.include(dry.stdout, "net-b    -    c1         net1")
      assert.deepStrictEqual(node.state(), before)
      const planned = yield* type(node, ["gc", "--by-sandbox", "--dry-run", "--json"])
      const done = yield* type(node, ["gc", "--by-sandbox", "--json"])
      assert.isTrue(done.well, done.stderr)
      assert.strictEqual(done.stdout, planned.stdout.replace('"dryRun":true', '"dryRun":false'))
      assert.include(done.stdout, '"network":null')
      assert.lengthOf(ports(node), 2)
      node.sandboxes.clear()
      assert.include((yield* type(node, ["gc", "--by-sandbox"])).stdout, "Removed 2 attachments of all networks.\n")
      assert.deepStrictEqual(node.state(), make().state())
    })
  )

  it.effect("calls the IPAM plugin along the default path, with the arguments of the ADD", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c1", { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web-0" })
      node.sandboxes.clear()
      node.runs.length = 0
      assert.isTrue((yield* type(node, ["gc", "--by-sandbox"], { CNI_PATH: "" })).well)
      assert.deepStrictEqual(
        node.runs.map(({ env }) => [env["CNI_COMMAND"], env["CNI_ARGS"]]),
        [["DEL", "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web-0"]]
      )
    })
  )

  it.effect.each([
    ["an empty file", ""],
    ["a part of a record", '{"format":1,"netw']
  ])("removes %s that a killed ADD has left, and the directories with it", ([, content]) =>
    Effect.gen(function* () {
      const node = make()
      const path = `${stateDir}/attachments/.aaaaaaaaaaaaaaaaaaaa.6551f0ad-8b5f-45de-89bc-da0a485e1294`
      yield* add(node, "c1")
      node.files.put(path, "file", content, 0o400)
      node.sandboxes.clear()
      yield* type(node, ["gc", "--by-sandbox", "--dry-run"])
      assert.isDefined(node.files.get(path))
      assert.isTrue((yield* type(node, ["gc", "--by-sandbox"])).well)
      assert.isUndefined(node.files.get(path))
      assert.isUndefined(node.files.get(stateDir))
    })
  )

  it.effect("reports what could not be removed, and completes it when the switch is back", () =>
    Effect.gen(function* () {
      const node = yield* twoNetworks()
      node.refusal = "ECONNREFUSED"
      const { stderr, stdout, well } = yield* type(node, ["gc", "--by-sandbox"])
      assert.isFalse(well)
      assert.include(stdout, "Removed 0 attachments of all networks.\n\nKept: 4.")
      assert.include(stderr, "net1 of container c1: Open vSwitch: ")
      node.refusal = undefined
      assert.include((yield* type(node, ["gc", "--by-sandbox"])).stdout, "Removed 2 attachments of all networks.")
    })
  )

  it.live("with --every repeats, also after a failure, until it is stopped", () =>
    Effect.gen(function* () {
      const node = yield* twoNetworks()
      node.refusal = "ECONNREFUSED"
      const before = node.transactions.length
      const staying = yield* Effect.forkChild(type(node, ["gc", "--by-sandbox", "--every", "10ms"]))
      yield* untilTrue("four refusals", () => node.refused > 3)
      assert.strictEqual(node.transactions.length, before)
      node.refusal = undefined
      yield* untilTrue("two ports", () => ports(node).length === 2)
      node.sandboxes.clear()
      yield* untilTrue("no port", () => ports(node).length === 0)
      yield* Fiber.interrupt(staying)
    })
  )

  it.effect("without --every runs once; a list cannot be combined with --every", () =>
    Effect.gen(function* () {
      const node = yield* twoNetworks()
      const config = yield* file("net.conf", network)
      const list = ["gc", "--config", config, "--valid", yield* valid(), "--every", "1m"]
      const { stderr, well } = yield* type(node, list)
      assert.isFalse(well)
      assert.include(stderr, "--every needs --by-sandbox")
      // What no round can cure is not repeated.
      const both = yield* type(node, ["gc", "--by-sandbox", "--valid", yield* valid(), "--every", "1m"])
      assert.isFalse(both.well)
      assert.include(both.stderr, "give either --valid FILE or --by-sandbox")
      for (const pause of ["soon", "0", "0s"]) {
        const never = yield* type(node, ["gc", "--by-sandbox", "--every", pause])
        assert.include(never.stderr, `Invalid value for flag --every: "${pause}". Expected: a time above zero`)
      }
      assert.lengthOf(ports(node), 4)
    })
  )

  it.effect("works in another directory, and with a record whose configuration is unusable", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c1", {}, { stateDir: "/state" })
      node.sandboxes.clear()
      assert.include((yield* type(node, ["gc", "--by-sandbox"])).stdout, "Kept: 0.")
      const path = "/state/attachments/c1-net1.json"
      const record = JSON.parse(node.files.get(path)?.content ?? "")
      const broken = JSON.stringify({ ...JSON.parse(record.configuration), host: { engine: "none" } })
      node.files.put(path, "file", JSON.stringify({ ...record, configuration: broken }), 0o600)
      const { stderr, well } = yield* type(node, ["gc", "--by-sandbox", "--state-dir", "/state"])
      assert.isFalse(well)
      assert.include(stderr, "net1 of container c1: the configuration of its ADD cannot be used")
      assert.include(stderr, "-> Run `userspace gc --by-sandbox --config FILE` with")
    })
  )
})

describe("a list of definitions", () => {
  it.effect("covers all our networks in it, by sandbox and by a list of valid attachments", () =>
    Effect.gen(function* () {
      for (const how of [["--by-sandbox"], ["--valid", yield* valid("c2")]]) {
        const node = yield* twoNetworks()
        const { stderr, stdout, well } = yield* type(node, ["gc", "--config", yield* file("all.json", several), ...how])
        assert.isTrue(well, stderr)
        assert.include(stdout, "Removed 2 attachments of networks net-a, net-b.\n")
        assert.include(stdout, "Kept: 2.")
        assert.lengthOf(ports(node), 2)
      }
    })
  )

  it.effect("is refused when one of ours is broken, or none is ours", () =>
    Effect.gen(function* () {
      const broken = definition("c", { ...network, host: { ...network.host, iftype: "?" } })
      const lists: ReadonlyArray<readonly [object, string]> = [
        [{ ...several, items: [...several.items, broken] }, "gc failed (code 7)"],
        [{ ...several, items: several.items.slice(1, 2) }, "the list has 1 objects, and none is a network of type"]
      ]
      for (const [list, said] of lists) {
        const node = yield* twoNetworks()
        const before = node.state()
        const { stderr, well } = yield* type(node, ["gc", "--by-sandbox", "--config", yield* file("all.json", list)])
        assert.isFalse(well)
        assert.include(stderr, said)
        assert.deepStrictEqual(node.state(), before)
      }
    })
  )
})

it.effect("by sandbox: fork attachments whose sandbox or pod is gone", () =>
  Effect.gen(function* () {
    const node = make()
    node.files.put(database, "socket")
    const { bridgeName: bridge } = network.host.bridge
    yield* node.ovs.transact(forkBridge(bridge))
    const pods = "/var/lib/kubelet/pods"
    node.files.put(`${pods}/alive`, "directory")
    const ids = ["aaaaaaaaaaaaff", "bbbbbbbbbbbbff", "ccccccccccccff", "ddddddddddddff"] as const
    const port = (id: string, socketPath: string) =>
      node.ovs.transact(forkPort({ bridge, name: `${id.slice(0, 12)}-net1`, ids: forkMarks(id), socketPath }))
    for (const [id, uid] of [
      [ids[0], "alive"],
      [ids[1], "gone"]
    ] as const) {
      yield* port(id, `${pods}/${uid}/volumes/kubernetes.io~empty-dir/shared-dir/${id.slice(0, 12)}-net1`)
    }
    for (const [id, sandbox] of [
      [ids[2], "alive"],
      [ids[3], "gone"]
    ] as const) {
      const directory = `${network.sharedDir}/${id.slice(0, 12)}`
      yield* port(id, `${directory}/${id.slice(0, 12)}-net1`)
      const ipResult = { interfaces: [{ name: "net1", sandbox: sandboxOf(sandbox) }] }
      const told = { containerId: id, ifName: "net1", name: network.name, ipResult }
      node.files.put(`${directory}/configData-${id.slice(0, 12)}-net1.json`, "file", JSON.stringify(told))
    }
    node.sandboxes.add(sandboxOf("alive"))
    // Their network is unknown without a configuration.
    const open = yield* type(node, ["gc", "--by-sandbox"])
    assert.isTrue(open.well)
    assert.include(open.stdout, "Removed 0 attachments")
    assert.include(
      open.stdout,
      "\nNot judged: 4 attachments of the original plugin's fork. Run `userspace gc --by-sandbox --config FILE`"
    )
    assert.include((yield* type(node, ["gc", "--by-sandbox", "--json"])).stdout, '"notJudged":4,')
    const { stdout, well } = yield* collect(node, "--by-sandbox")
    assert.isTrue(well)
    assert.include(stdout, "Removed 2 attachments")
    assert.notInclude(stdout, "Not judged")
    const left = node.ovs
      .dump()
      .filter((line) => line.startsWith("Port "))
      .join("\n")
    for (const [index, stays] of [true, false, true, false].entries()) {
      assert.strictEqual(left.includes(`${ids[index]?.slice(0, 12)}-net1`), stays, ids[index])
    }
    assert.deepStrictEqual(node.files.names(network.sharedDir), [ids[2].slice(0, 12)])
  })
)
