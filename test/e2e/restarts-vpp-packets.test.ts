/** Packets between running pods when VPP, the node's switch, restarts. */
import { basename } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { VppUnderTest } from "../suites/VppUnderTest.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { well } from "./support/Plugin.ts"
import { attachedPod, connected, pings } from "./support/PodVpp.ts"
import { onMachine } from "./support/Suite.ts"
import { type OnVpp, onReal, VppCniNode } from "./support/VppCniNode.ts"

/** Nothing is done in the pods. */
const reconnects = (prefix: string) => (test: Vitest.Test<OnVpp | Scope.Scope>) => {
  test("running pods reconnect by themselves after restore, and 5 of 5 pings pass", () =>
    Effect.gen(function* () {
      const { call, network, restore, sandbox } = yield* VppCniNode
      const { restart } = yield* VppUnderTest
      const conf = network({ netType: "bridge", bridge: { bridgeName: "44" } })
      const pods = [yield* sandbox, yield* sandbox] as const
      const [one, two] = yield* Effect.forEach(pods, (pod, n) =>
        attachedPod(prefix, pod, conf, `192.168.9.${n + 3}/24`)
      )
      if (one === undefined || two === undefined) return assert.fail()
      assert.strictEqual(yield* pings(one, "192.168.9.4"), 5)
      yield* restart
      well(yield* restore())
      yield* connected(one)
      yield* connected(two)
      assert.strictEqual(yield* pings(one, "192.168.9.4"), 5)
      for (const pod of pods) well(yield* call("DEL", pod, conf))
    }))
}

const [newest = ""] = vppPrefixes
onMachine(["root", "executable", "hostLocal", "vpp"], onReal(newest))(
  `packets after a restart of VPP ${basename(newest)}`,
  reconnects(newest)
)
