/** `userspace top` on a real VPP: a pod's pings as rates, whose sum is what was sent. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Sandbox } from "./support/CniNode.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { answers, attachedPod, pings } from "./support/PodVpp.ts"
import { onMachine } from "./support/Suite.ts"
import { of, type Shown, top } from "./support/Top.ts"
import { onReal, VppCniNode } from "./support/VppCniNode.ts"

const bridge = { netType: "bridge", bridge: { bridgeName: "45" } }

/** Packets that these documents have of one way, each for the time since the one before. */
const packets = ({ containerId }: Sandbox, way: "receive" | "transmit", all: ReadonlyArray<Shown>) =>
  all.slice(1).reduce((sum, one, index) => {
    const seconds = (Date.parse(one.time) - Date.parse(all[index]?.time ?? one.time)) / 1000
    return sum + seconds * (of(containerId, one)?.[way]?.packetsPerSecond ?? 0)
  }, 0)

const [prefix = ""] = vppPrefixes
onMachine(["root", "executable", "vpp", "hostLocal"], onReal(prefix))("top on VPP", (test) => {
  test("shows the pings of a pod, both ways, and both pods connected", () =>
    Effect.gen(function* () {
      const { directory, network, sandbox } = yield* VppCniNode
      const [one, two] = [yield* sandbox, yield* sandbox]
      const conf = network(bridge)
      const pod = yield* attachedPod(prefix, one, conf, "192.168.45.3/24")
      yield* attachedPod(prefix, two, conf, "192.168.45.4/24")
      assert.strictEqual(yield* pings(pod, "192.168.45.4"), 5)
      const seen = yield* top(`${directory}/top.json`, "--state-dir", `${directory}/state`)
      yield* seen.until("a document", (all) => all.length > 0)
      assert.strictEqual(yield* answers(pod, "192.168.45.4", 3), 3)
      const all = yield* seen.until("the pings' answers", (shown) => packets(two, "transmit", shown) > 2.5)
      for (const own of [one, two]) {
        assert.isTrue(of(own.containerId, all.at(-1) ?? assert.fail())?.connected)
        for (const way of ["receive", "transmit"] as const) {
          assert.closeTo(packets(own, way, all), 3, 0.2)
        }
      }
    }))
})
