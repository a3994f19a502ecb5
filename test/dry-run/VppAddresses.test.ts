/**
 * What a layer 3 port on VPP has lost, in a dry run of restore: addresses and routes are judged in their planned state.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { engineFor } from "../../src/app/Composition.ts"
import * as RecordedEngine from "../../src/dry-run/DryRun.ts"
import * as RecordedEdges from "../../src/dry-run/edges/PlannedEdges.ts"
import { planRecorder } from "../../src/dry-run/plan/Plan.ts"
import { type PortRequest, Vswitch } from "../../src/vswitch/Vswitch.ts"
import { memif, plugged, request, restore, verify } from "../suites/VppUnderTest.ts"
import * as TestVpp from "../vpp/support/TestVpp.ts"
import { edges } from "./support/VppNode.ts"

const rehearsed = Effect.fnUntraced(function* (wanted: PortRequest) {
  const recorder = planRecorder()
  const { layer, planned } = yield* RecordedEdges.make(recorder)
  const restored = yield* Effect.flatMap(Vswitch, (vswitch) => vswitch.restore(wanted)).pipe(
    Effect.provide(engineFor(wanted.port, RecordedEngine.around("restore", wanted.port, planned, recorder))),
    Effect.provide(layer)
  )
  return { made: restored.made, changes: recorder.steps().flatMap(({ changes }) => changes) }
})

layer(TestVpp.layer("26.06"), { excludeTestServices: true })("on a VPP in TypeScript", (test) => {
  test.effect("an address and a route that somebody took are planned as they are then restored", () =>
    Effect.gen(function* () {
      const { model, path } = yield* TestVpp.TestVpp
      const addresses = [
        { address: "10.97.1.3/24", gateway: "10.97.1.1" },
        { address: "fd00:97::5/128", gateway: "fe80::1" }
      ]
      const port = memif({ control: path, network: { netType: "interface" } })
      const wanted = yield* request(port, { addresses })
      const { port: name } = yield* plugged(wanted)
      const there = yield* Effect.provide(rehearsed(wanted), edges)
      assert.deepStrictEqual(there, { made: [], changes: [] })

      model.named(name)?.addresses.splice(0)
      model.routes.clear()
      const planned = yield* Effect.provide(rehearsed(wanted), edges)
      assert.deepStrictEqual(planned.made, [`settings of interface ${name}`])
      const text = JSON.stringify(planned.changes)
      assert.include(text, `set interface ip address ${name} 10.97.1.1/24`)
      assert.include(text, `ip route add fd00:97::5/128 via ${name}`)
      assert.notInclude(text, "ip_route_lookup")
      assert.lengthOf(yield* verify(wanted), 2)
      assert.deepStrictEqual((yield* restore(wanted)).made, planned.made)
    })
  )
})
