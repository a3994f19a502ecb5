/**
 * `userspace gc` on a node in memory: what would be removed, what is removed, by a list and by sandbox, and what never is.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { keyOf, portName } from "../../src/identity/Attachment.ts"
import { network } from "../dry-run/support/Calls.ts"
import { database, make, type Node } from "../dry-run/support/MemoryNode.ts"
import { forkBridge, forkMarks, forkPort } from "../suites/ForkPort.ts"
import { add, loseRecords, recordOf, sandboxOf, stateDir } from "./support/Attached.ts"
import { file, type } from "./support/Terminal.ts"

const config = file("net.conf", network)
const valid = (...ids: ReadonlyArray<string>) =>
  file(
    "valid.json",
    ids.map((containerID) => ({ containerID, ifname: "net1" }))
  )

const collect = Effect.fnUntraced(function* (node: Node, ...args: ReadonlyArray<string>) {
  return yield* type(node, ["gc", "--config", yield* config, ...args])
})

const three = Effect.fnUntraced(function* () {
  const node = make()
  for (const id of ["c1", "c2", "c3"]) yield* add(node, id)
  return node
})

const ports = (node: Node) => node.ovs.dump().filter((line) => line.startsWith("Interface ") && line.includes("usp"))

const portOf = (containerId: string) => portName({ network: "net-a", containerId, ifName: "net1" })

const row = (containerId: string, state: string) =>
  `net-a    -    ${containerId}         net1       ovs-dpdk  ${portOf(containerId)}  ${state}`

describe("a dry run prints what would go and changes nothing", () => {
  it.effect("by a list", () =>
    Effect.gen(function* () {
      const node = yield* three()
      const before = [node.state(), node.committed.length, node.runs.length]
      const { stderr, stdout, well } = yield* collect(node, "--valid", yield* valid("c2"), "--dry-run")
      assert.deepStrictEqual([well, stderr], [true, ""])
      assert.strictEqual(
        stdout,
        `Dry run of GC: network net-a. Nothing was changed.

Would be removed:
NETWORK  POD  CONTAINER  INTERFACE  SWITCH    PORT             STATE
${row("c1", "disconnected")}
${row("c3", "disconnected")}

Would be kept: 1.
`
      )
      assert.deepStrictEqual([node.state(), node.committed.length, node.runs.length], before)
    })
  )

  it.effect("by sandbox", () =>
    Effect.gen(function* () {
      const node = yield* three()
      node.sandboxes.delete(sandboxOf("c3"))
      const before = [node.state(), node.committed.length, node.runs.length]
      const { stdout, well } = yield* collect(node, "--by-sandbox", "--dry-run")
      assert.isTrue(well)
      assert.include(stdout, row("c3", "disconnected, sandbox gone"))
      assert.notInclude(stdout, portOf("c1"))
      assert.include(stdout, "Would be kept: 2.")
      assert.deepStrictEqual([node.state(), node.committed.length, node.runs.length], before)
    })
  )

  it.effect("or nothing", () =>
    Effect.gen(function* () {
      const node = yield* three()
      const { stdout, well } = yield* collect(node, "--by-sandbox", "--dry-run")
      assert.isTrue(well)
      assert.strictEqual(
        stdout,
        "Dry run of GC: network net-a. Nothing was changed.\n\nNothing to remove.\n\nWould be kept: 3.\n"
      )
    })
  )
})

describe("a removal", () => {
  it.effect.each(["list", "sandbox"])("by %s is what the dry run printed, complete", (how) =>
    Effect.gen(function* () {
      const node = make()
      const before = node.state()
      yield* add(node, "c1")
      const args = how === "list" ? ["--valid", yield* valid()] : ["--by-sandbox"]
      node.sandboxes.delete(sandboxOf("c1"))
      const planned = yield* collect(node, ...args, "--dry-run", "--json")
      const done = yield* collect(node, ...args, "--json")
      assert.isTrue(done.well, done.stderr)
      assert.strictEqual(done.stdout, planned.stdout.replace('"dryRun":true', '"dryRun":false'))
      assert.include(done.stdout, `"removed":[{"network":"net-a","containerId":"c1","ifName":"net1"`)
      assert.include(done.stdout, `"stays":0,"notJudged":0,"problems":[]`)
      assert.deepStrictEqual(node.state(), before)
      const again = yield* collect(node, ...args)
      assert.strictEqual(again.stdout, "Removed 0 attachments of network net-a.\n\nKept: 0.\n")
    })
  )

  it.effect("is reported, and what stays is complete", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c2")
      // The directory for unfinished records comes and goes.
      const state = () => [node.files.dump().filter((line) => !line.includes("/attachments/new")), node.ovs.dump()]
      const before = state()
      yield* add(node, "c1")
      const { stdout, well } = yield* collect(node, "--valid", yield* valid("c2"))
      assert.isTrue(well)
      assert.match(stdout, /^Removed one attachment of network net-a\.\n\nNETWORK .*\nnet-a .* c1 .*\n\nKept: 1\.\n$/)
      assert.deepStrictEqual(state(), before)
    })
  )

  it.effect("works with configurations of any version; the IPAM plugin gets GC with the list from 1.1.0 on", () =>
    Effect.gen(function* () {
      for (const cniVersion of ["0.4.0", "1.0.0", "1.1.0"]) {
        const node = make()
        yield* add(node, "c1", {}, { cniVersion })
        const conf = yield* file("net.conf", { ...network, cniVersion })
        const { stderr, well } = yield* type(node, ["gc", "--config", conf, "--valid", yield* valid("c9")])
        assert.isTrue(well, stderr)
        assert.deepStrictEqual(ports(node), [])
        const told = node.runs.filter(({ env }) => env["CNI_COMMAND"] === "GC").map(({ stdin }) => JSON.parse(stdin))
        assert.deepStrictEqual(
          told.map((conf) => [conf["cni.dev/valid-attachments"], conf["cni.dev/attachments"]]),
          cniVersion === "1.1.0" ? [Array(2).fill([{ containerID: "c9", ifname: "net1" }])] : []
        )
      }
    })
  )
})

describe("gc by sandbox keeps", () => {
  it.effect("what has no record, and what has a sandbox, for any caller", () =>
    Effect.gen(function* () {
      const node = yield* three()
      node.files.put(database, "socket")
      node.sandboxes.clear()
      node.sandboxes.add(sandboxOf("c1"))
      node.files.remove(recordOf("c2-net1"))
      const { stdout, well } = yield* collect(node, "--by-sandbox")
      assert.isTrue(well)
      assert.include(stdout, "Removed one attachment")
      assert.lengthOf(ports(node), 2)
      assert.isTrue([portOf("c1"), portOf("c2")].every((port) => ports(node).join().includes(port)))
      loseRecords(node)
      node.sandboxes.clear()
      assert.include((yield* collect(node, "--by-sandbox")).stdout, "Removed 0 attachments")
      assert.lengthOf(ports(node), 2)
    })
  )

  it.effect("what the IPAM plugin has, and sends it no list", () =>
    Effect.gen(function* () {
      const node = yield* three()
      node.runs.length = 0
      yield* collect(node, "--by-sandbox")
      assert.deepStrictEqual(node.runs, [])
    })
  )
})

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
    ["a name of nothing", ""],
    ["a part of a record", '{"format":1,"netw']
  ])("removes %s that a killed ADD has left, and the directories with it", ([, content]) =>
    Effect.gen(function* () {
      const node = make()
      const path = `${stateDir}/attachments/new/aaaaaaaaaaaaaaaaaaaa-bbbbbbbb-6551f0ad-8b5f-45de-89bc-da0a485e1294`
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

  it.effect("removes the traces of an ADD that was killed before it claimed its record, when its sandbox is gone", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c1")
      const { content = "" } = node.files.get(recordOf("c1-net1")) ?? {}
      node.files.remove(recordOf("c1-net1"))
      const key = keyOf({ network: "net-a", containerId: "c1", ifName: "net1" })
      node.files.put(`${stateDir}/attachments/new/${key}-bbbbbbbb-killed`, "file", content, 0o400)
      assert.include((yield* type(node, ["gc", "--by-sandbox"])).stdout, "Removed 0 attachments")
      node.sandboxes.clear()
      assert.include((yield* type(node, ["gc", "--by-sandbox"])).stdout, "unfinished, no record, sandbox gone")
      assert.deepStrictEqual(ports(node), [])
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
      const reached = (what: () => boolean) =>
        Effect.suspend(() => (what() ? Effect.void : Effect.fail("not yet"))).pipe(
          Effect.retry({ schedule: Schedule.spaced("5 millis") }),
          Effect.timeout("20 seconds")
        )
      yield* reached(() => node.refused > 3)
      assert.strictEqual(node.transactions.length, before)
      node.refusal = undefined
      yield* reached(() => ports(node).length === 2)
      node.sandboxes.clear()
      yield* reached(() => ports(node).length === 0)
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
      assert.include(
        (yield* type(node, ["gc", "--by-sandbox", "--every", "soon"])).stderr,
        'Invalid value for flag --every: "soon"'
      )
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

describe("nothing is removed", () => {
  const bad: Readonly<Record<string, readonly [content: unknown, said: string]>> = {
    "a file that is no JSON": ["?", "it is not JSON"],
    null: ["null", 'list: "null" is not a list'],
    "an entry without an interface": [[{ containerID: "c1" }], "list[0].ifname: is missing"],
    "a configuration without a list": [network, "the list of valid attachments, and it is missing"]
  }

  it.effect.each(Object.entries(bad))("by %s", ([, [content, said]]) =>
    Effect.gen(function* () {
      const node = yield* three()
      const before = node.state()
      const { stderr, well } = yield* collect(node, "--valid", yield* file("valid.json", content))
      assert.isFalse(well)
      assert.include(stderr, said)
      assert.include(stderr, "-> Write")
      assert.deepStrictEqual(node.state(), before)
    })
  )

  it.effect("without a list or --by-sandbox, or with both", () =>
    Effect.gen(function* () {
      const node = yield* three()
      const before = node.state()
      for (const args of [[], ["--valid", yield* valid(), "--by-sandbox"]]) {
        const { stderr, well } = yield* collect(node, ...args)
        assert.isFalse(well)
        assert.include(stderr, "give either --valid FILE or --by-sandbox")
      }
      assert.deepStrictEqual(node.state(), before)
    })
  )

  it.effect("by a list of valid attachments without a network", () =>
    Effect.gen(function* () {
      const node = yield* three()
      const { stderr, well } = yield* type(node, ["gc", "--valid", yield* valid()])
      assert.isFalse(well)
      assert.include(stderr, "gc needs to know which network")
      assert.lengthOf(ports(node), 3)
    })
  )

  it.effect("by a broken configuration", () =>
    Effect.gen(function* () {
      const node = yield* three()
      const conf = yield* file("net.conf", { ...network, host: { ...network.host, iftype: "?" } })
      const { stderr, well } = yield* type(node, ["gc", "--config", conf, "--valid", yield* valid()])
      assert.isFalse(well)
      assert.include(stderr, "gc failed (code 7)")
      assert.lengthOf(ports(node), 3)
    })
  )
})

it.effect("a failed removal is reported, and not counted as removed", () =>
  Effect.gen(function* () {
    const node = yield* three()
    node.refusal = "ECONNREFUSED"
    const dry = yield* collect(node, "--valid", yield* valid(), "--dry-run")
    assert.isFalse(dry.well)
    assert.include(dry.stderr, "gc is incomplete")
    const { stderr, stdout, well } = yield* collect(node, "--valid", yield* valid())
    assert.isFalse(well)
    assert.strictEqual(stdout, "Removed 0 attachments of network net-a.\n\nKept: 3.\n")
    assert.include(stderr, "gc is incomplete; the next gc does the rest")
    assert.include(stderr, "net1 of container c1: Open vSwitch: ")
    node.refusal = undefined
    assert.include((yield* collect(node, "--valid", yield* valid())).stdout, "Removed 3 attachments")
    assert.deepStrictEqual(ports(node), [])
  })
)

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
