/** `userspace gc` for a network, on a node in memory: what would be removed, what is removed, and what never is. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { network } from "../dry-run/support/Calls.ts"
import { database, make } from "../dry-run/support/MemoryNode.ts"
import { add, loseRecords, recordOf, sandboxOf } from "./support/Attached.ts"
import { collect, portOf, ports, three, valid } from "./support/Collected.ts"
import { file, type } from "./support/Terminal.ts"

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
      const state = () => [node.files.dump(), node.ovs.dump()]
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
