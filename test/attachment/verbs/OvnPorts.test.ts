/** Two ports with one `iface-id` on a node: OVN serves one of them, so the second ADD warns. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { stateDir, World } from "../support/World.ts"

const network = {
  cniVersion: "1.0.0",
  name: "ovn",
  type: "userspace",
  sharedDir: "/n/shared",
  stateDir,
  host: {
    engine: "ovs-dpdk",
    iftype: "vhostuser",
    netType: "none",
    vhost: { mode: "client" },
    bridge: { bridgeName: "br-int" }
  }
}

it.effect("warns of the second port only", () =>
  Effect.gen(function* () {
    const world = new World()
    const warnings = () => world.log.filter((line) => line.includes("iface-id"))
    const add = (containerId: string, port: string) =>
      world.add({ conf: network, containerId, args: `IgnoreUnknown=1;OvnPort=${port}` })
    yield* add("aaaaaaaaaaaaaaaa", "lp-1")
    yield* add("bbbbbbbbbbbbbbbb", "lp-2")
    yield* world.add({ conf: network, containerId: "cccccccccccccccc" })
    assert.deepStrictEqual(warnings(), [])
    yield* add("dddddddddddddddd", "lp-1")
    assert.lengthOf(warnings(), 1)
    assert.match(
      warnings()[0] ?? "",
      /^Warn: port usp\w{12} of this node already has iface-id lp-1: OVN serves one of them/
    )
    // Not bound yet, which CHECK logs and does not report to the runtime.
    yield* world.call("CHECK", { conf: network, containerId: "bbbbbbbbbbbbbbbb" })
    assert.isTrue(
      world.log.some((line) => /^Warn: OVN has not bound port usp\w{12} to its logical port lp-2/.test(line))
    )
  })
)
