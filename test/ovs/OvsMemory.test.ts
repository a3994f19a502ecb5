/** What only the switch in memory can do: be the shared state of many clients, and be unreachable. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { OvsDeadlines } from "../../src/ovs/client/JsonRpc.ts"
import { OvsClient } from "../../src/ovs/client/OvsClient.ts"
import * as OvsVswitch from "../../src/ovs/OvsVswitch.ts"
import { Vswitch } from "../../src/vswitch/Vswitch.ts"
import { ovs, portOf } from "../cni/support/Reading.ts"
import { MemoryFiles, layer as memoryFiles } from "../platform/support/FilesMemory.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import * as OvsMemory from "./support/OvsMemory.ts"

const port = portOf(ovs)

const vswitchOn = (memory: OvsMemory.MemorySwitch) =>
  Layer.provide(OvsVswitch.layer(), [OvsMemory.layer(memory), memoryFiles(new MemoryFiles(["/v"])), NodeSockets.layer])

const status = (memory: OvsMemory.MemorySwitch) =>
  Effect.flatMap(Vswitch, (vswitch) => Effect.flip(vswitch.status(port))).pipe(
    Effect.provide(vswitchOn(memory)),
    Effect.provideService(OvsDeadlines, {
      connect: Duration.millis(50),
      reply: Duration.millis(50),
      apply: Duration.millis(50),
      withdraw: Duration.millis(50)
    })
  )

const bump = [{ op: "mutate", table: "Open_vSwitch", where: [], mutations: [["next_cfg", "+=", 1]] }] as const
const step = [{ op: "mutate", table: "Open_vSwitch", where: [], mutations: [["cur_cfg", "+=", 1]] }] as const

describe("OvsMemory", () => {
  it.live("all clients see one switch, which outlives them", () =>
    Effect.gen(function* () {
      const memory = OvsMemory.make()
      const read = Effect.flatMap(OvsClient, (client) => client.root).pipe(Effect.provide(OvsMemory.layer(memory)))
      const before = yield* read
      yield* memory.transact(bump)
      const after = yield* read
      assert.strictEqual(after._uuid, before._uuid)
      assert.strictEqual(after.next_cfg, before.next_cfg + 1)
    })
  )

  it.live("a client waits until ovs-vswitchd reaches the requested cur_cfg", () =>
    Effect.gen(function* () {
      const memory = OvsMemory.make()
      memory.vswitchd.alive = false
      const client = Context.get(yield* Layer.build(OvsMemory.layer(memory)), OvsClient)
      yield* memory.transact([...bump, ...bump])
      const waiting = yield* Effect.forkChild(Effect.flatMap(client.root, client.caughtUp), { startImmediately: true })
      yield* memory.transact(step)
      const turn = Effect.andThen(Effect.yieldNow, client.root)
      for (let turns = 0; turns < 20; turns++) yield* turn
      assert.isUndefined(waiting.pollUnsafe())
      yield* memory.transact(step)
      assert.isDefined(yield* Fiber.join(waiting))
    })
  )

  it.effect("a client waits while ovs-vswitchd makes progress for others, and not much longer", () =>
    Effect.gen(function* () {
      const memory = OvsMemory.make()
      memory.vswitchd.alive = false
      const client = Context.get(yield* Layer.build(OvsMemory.layer(memory)), OvsClient)
      const { apply } = yield* OvsDeadlines
      const [most, more] = [Duration.times(apply, 0.9), Duration.times(apply, 0.2)]
      for (let waits = 0; waits < 5; waits++) yield* memory.transact(bump)
      const root = yield* client.root
      const waiting = yield* Effect.forkChild(client.caughtUp(root), { startImmediately: true })
      for (let steps = 1; steps < 5; steps++) {
        yield* TestClock.adjust(most)
        yield* memory.transact(step)
      }
      yield* TestClock.adjust(most)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(more)
      assert.isUndefined(yield* Fiber.join(waiting))
    })
  )

  it.live("status reports that ovs-vswitchd is behind, where its control socket is not visible", () =>
    Effect.gen(function* () {
      const memory = OvsMemory.make()
      memory.vswitchd.alive = false
      yield* memory.transact(bump)
      const error = yield* status(memory)
      assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
      assert.include(error.failed, "did not apply the configuration within 50 ms")
    })
  )

  it.live("status reports that DPDK is missing, and that nobody answers", () =>
    Effect.gen(function* () {
      const memory = OvsMemory.make()
      memory.vswitchd.dpdk = false
      memory.look()
      assert.strictEqual((yield* status(memory)).code, ErrorCodes.DpdkMissing)
      memory.serve("silent")
      assert.include((yield* status(memory)).failed, "no answer within 50 ms")
    })
  )
})
