/**
 * A port's flow on a bridge in fail_mode secure, when the bridge cannot be asked to remove it: the port stays, and with
 * it the mark by which the next unplug retries; if the flow can be ignored, the port is removed.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { clientOver, OvsClient } from "../../src/ovs/client/OvsClient.ts"
import { ConnectionLost, NoAnswer, OvsdbError, Rejected, Unreachable } from "../../src/ovs/client/OvsdbError.ts"
import * as OvsVswitch from "../../src/ovs/OvsVswitch.ts"
import { Files } from "../../src/platform/Files.ts"
import { type PortRequest, type Unplug, Vswitch } from "../../src/vswitch/Vswitch.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { request } from "../suites/SwitchUnderTest.ts"
import { plugOf } from "../vswitch/support/PlugOf.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { MemoryUnderTest } from "./support/MemoryUnderTest.ts"
import * as OvsMemory from "./support/OvsMemory.ts"

type Reason = OvsdbError["reason"]

/** A switch with a secure bridge, on which the first `forget` fails with `reason`. */
const secure = Effect.fnUntraced(function* (reason: Reason, late: boolean) {
  const memory = OvsMemory.make()
  let broken = false
  const { flows, peer, transact } = memory
  const failed = new OvsdbError({ peer, operation: "OpenFlow", reason })
  const forget: typeof flows.forget = (bridge, cookie) =>
    Effect.suspend(() => {
      if (!broken) return flows.forget(bridge, cookie)
      broken = false
      return Effect.andThen(late ? flows.forget(bridge, cookie) : Effect.void, Effect.fail(failed))
    })
  const client = Layer.succeed(OvsClient, clientOver(peer, transact, { ...flows, forget }))
  const vswitch = Layer.provide(OvsVswitch.layer(), [client, Files.layer, NodeSockets.layer])
  const unplug = (wanted: Unplug) =>
    Effect.provide(
      Effect.flatMap(Vswitch, ({ unplug }) => unplug(wanted)),
      vswitch
    )
  const plug = (wanted: PortRequest) =>
    Effect.provide(
      Effect.flatMap(Vswitch, (vswitch) => plugOf(vswitch, wanted)),
      vswitch
    )
  yield* transact([
    {
      op: "insert",
      table: "Bridge",
      "uuid-name": "b",
      row: { name: "br-secure", datapath_type: "netdev", fail_mode: "secure" }
    },
    { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", ["named-uuid", "b"]]] }
  ])
  const wanted = yield* request({ bridge: "br-secure" })
  const before = memory.dump()
  yield* plug(wanted)
  assert.notDeepEqual(memory.flowsOf("br-secure"), [])
  return {
    memory,
    before,
    breaks: () => {
      broken = true
    },
    unplug: unplug(unplugOf(wanted))
  }
})

it.live.each([
  ["it does not answer", new NoAnswer({ millis: 1 })],
  ["the connection is lost", new ConnectionLost({ code: "Closed" })],
  ["it takes no connection now", new Unreachable({ code: "EAGAIN" })]
] as const)("%s: an error, and the next unplug removes port and flow", ([, reason]) =>
  Effect.gen(function* () {
    for (const late of [false, true]) {
      const { before, breaks, memory, unplug } = yield* secure(reason, late)
      breaks()
      assert.strictEqual((yield* Effect.flip(unplug))._tag, "VswitchError")
      assert.include(memory.dump().join(), "br-secure")
      yield* unplug
      assert.deepStrictEqual(memory.dump(), before)
    }
  }).pipe(Effect.provide(MemoryUnderTest))
)

it.live.each([
  ["ovs-vswitchd is dead, and its flows with it", new Unreachable({ code: "ECONNREFUSED" })],
  ["the bridge speaks no OpenFlow of ours", new Rejected({ at: "call", error: "the bridge does not", details: "" })]
] as const)("%s: the port is removed all the same", ([, reason]) =>
  Effect.gen(function* () {
    const { before, breaks, memory, unplug } = yield* secure(reason, true)
    breaks()
    yield* unplug
    assert.deepStrictEqual(memory.dump(), before)
  }).pipe(Effect.provide(MemoryUnderTest))
)
