/** `userspace status` and `userspace check` on a node in memory, for networks of any version. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { network } from "../dry-run/support/Calls.ts"
import { database, make, type Node } from "../dry-run/support/MemoryNode.ts"
import { add, removePort, sandboxOf } from "./support/Attached.ts"
import { file, type } from "./support/Terminal.ts"

const old = { ...network, cniVersion: "0.3.1" }

const asked = Effect.fnUntraced(function* (node: Node, conf: object = old, ...args: ReadonlyArray<string>) {
  return yield* type(node, ["status", "--config", yield* file("net.conf", conf), ...args])
})

describe("status", () => {
  it.effect("reports that an ADD can be served, and changes nothing", () =>
    Effect.gen(function* () {
      const node = make()
      const before = [node.state(), node.committed.length]
      for (const conf of [old, network]) {
        assert.deepStrictEqual(yield* asked(node, conf), {
          well: true,
          stdout: `Network net-a: ready for ADD on ovs-dpdk at ${database}.\n`,
          stderr: ""
        })
      }
      assert.deepStrictEqual([node.state(), node.committed.length], before)
    })
  )

  it.effect("reports why not, in three parts, and as JSON", () =>
    Effect.gen(function* () {
      const node = make()
      node.refusal = "ECONNREFUSED"
      const { stderr, stdout, well } = yield* asked(node)
      assert.deepStrictEqual([well, stdout], [false, ""])
      assert.match(
        stderr,
        /^userspace: status of network net-a failed \(code 51\)\n {2}Open vSwitch: .*ECONNREFUSED\n {2}-> Check that ovsdb-server runs/
      )
      const json = JSON.parse((yield* asked(node, old, "--json")).stdout)
      assert.deepStrictEqual([json.network, json.available, json.error.code], ["net-a", false, 51])
      node.refusal = undefined
      const well2 = JSON.parse((yield* asked(node, old, "--json")).stdout)
      assert.deepStrictEqual(well2, { network: "net-a", available: true, error: null })
    })
  )

  it.effect("refuses a network that is not valid", () =>
    Effect.gen(function* () {
      const { stderr, well } = yield* asked(make(), { ...old, host: { ...old.host, iftype: "vhostuserr" } })
      assert.isFalse(well)
      assert.include(
        stderr,
        'status failed (code 7)\n  the network configuration is not valid: host.iftype: "vhostuserr"'
      )
    })
  )
})

describe("check", () => {
  it.effect("works by hand for a network that is older than CHECK", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c1", {}, { cniVersion: "0.3.1" })
      const line = [
        "check",
        "--config",
        yield* file("net.conf", old),
        "--container-id",
        "c1",
        "--netns",
        sandboxOf("c1")
      ]
      const { stdout, well } = yield* type(node, line)
      assert.deepStrictEqual([well, stdout], [true, "net1 of container c1 is unchanged since ADD.\n"])
      const [port = ""] = /usp\w{12}/.exec(node.ovs.dump().join()) ?? []
      yield* removePort(node, port)
      assert.include((yield* type(node, line)).stderr, `port ${port} is missing`)
    })
  )
})
