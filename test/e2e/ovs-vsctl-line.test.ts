/** The ovs-vsctl line of a dry run does on a real switch what the transaction beside it does. */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { vsctlLine } from "../../src/dry-run/ovs/OperationText.ts"
import { OvsClient } from "../../src/ovs/client/OvsClient.ts"
import type { Operation } from "../../src/ovs/client/OvsdbMessages.ts"
import { portPlan } from "../../src/ovs/client/PortPlan.ts"
import * as Transactions from "../../src/ovs/client/Transactions.ts"
import { look, request, SwitchUnderTest } from "../suites/SwitchUnderTest.ts"
import { existing, plug, unplug } from "../suites/VswitchCalls.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { OvsInstance } from "./support/OvsInstance.ts"
import { overInstance } from "./support/OvsUnderTest.ts"
import { cleanEnvironment, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"

const typed = Effect.fnUntraced(function* (operations: ReadonlyArray<Operation>, names: ReadonlyMap<string, string>) {
  const { runDir } = yield* OvsInstance
  const line = vsctlLine(operations, (reference) => names.get(reference) ?? reference)
  yield* succeed("sh", ["-c", line], { env: { ...cleanEnvironment, OVS_RUNDIR: runDir } })
})

const wishes = {
  "a port on a new bridge": {},
  "VLANs, MTU, policing, queues": {
    vlan: 5,
    trunks: [6, 7],
    vlanMode: "native-tagged",
    mtu: 1400,
    ingressPolicingRate: 10000,
    ingressPolicingBurst: 800,
    queues: 2
  },
  "server mode": { mode: "server" },
  "a logical port of OVN with an awkward name": { ovnPort: `it's "a": [port], {é} \\ = 7` }
} as const

onMachine(["root", "ovs"], Layer.provideMerge(overInstance, OvsInstance.layer))("the ovs-vsctl line", (test) => {
  for (const [what, wish] of Object.entries(wishes)) {
    for (const place of ["new", "existing"] as const) {
      test(`creates and removes the same: ${what}, ${place} bridge`, () =>
        Effect.gen(function* () {
          const wanted = yield* request(place === "new" ? wish : { ...wish, bridge: yield* existing() })
          const plan = portPlan(wanted, wanted.port)
          const { client } = yield* SwitchUnderTest
          const before = yield* look

          yield* plug(wanted)
          const plugged = yield* look
          yield* unplug(unplugOf(wanted))
          assert.deepStrictEqual(yield* look, before)

          yield* Effect.gen(function* () {
            const ovs = yield* OvsClient
            const survey = yield* ovs.survey(plan)
            yield* typed(Transactions.addPort(plan, survey), new Map([[survey.bridge?._uuid ?? "bridge", plan.bridge]]))
            assert.deepStrictEqual(yield* look, plugged)

            const [port] = yield* ovs.portsMarked(plan.mark)
            assert.isDefined(port)
            const bridge = yield* ovs.bridgeOf(port)
            assert.isDefined(bridge)
            const local = yield* ovs.portNamed(plan.bridge)
            const names = new Map([
              [port._uuid, port.name],
              [bridge._uuid, bridge.name]
            ])
            yield* typed(Transactions.removePort(bridge, port, local, place === "new"), names)
            assert.deepStrictEqual(yield* look, before)
          }).pipe(Effect.provide(client))
        }))
    }
  }
})
