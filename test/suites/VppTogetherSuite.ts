/**
 * The behaviour of the VPP layer of `Vswitch` for concurrent calls for the same attachment. VPP reuses interface
 * indices, so a call with an old inspection could change another's interface.
 */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { Slots, Sockets } from "../../src/platform/Sockets.ts"
import type { Wanted } from "../../src/vpp/client/Session.ts"
import { tagAddDel } from "../../src/vpp/messages/Interface.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import { Vswitch } from "../../src/vswitch/Vswitch.ts"
import * as NodeSlots from "../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { plugOf } from "../vswitch/support/PlugOf.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import {
  leavesAsFound,
  memif,
  onceWith,
  plug,
  request,
  unplug,
  type VppUnderTest,
  verify,
  withSession
} from "./VppUnderTest.ts"

/** In VPP's frames the message number follows the header of 16 bytes. */
const numberAt = 16

/** Stops before it sends such a message, until the others have finished or wait for it. */
const heldAt = Effect.fnUntraced(function* <A, E>(
  message: Wanted,
  held: (vswitch: Vswitch["Service"]) => Effect.Effect<A, E>,
  others: (vswitch: Vswitch["Service"]) => Effect.Effect<void, E, VppUnderTest>
) {
  const number = yield* withSession((session) => {
    const verdict = session.verdict(message)
    return Effect.succeed(verdict._tag === "Offered" ? verdict.id : assert.fail(`no ${message.name}`))
  })
  const there = yield* Deferred.make<void>()
  const go = yield* Deferred.make<void>()
  const standing = Layer.effect(
    Sockets,
    Effect.map(Sockets, ({ connect }) =>
      Sockets.of({
        connect: (path) =>
          Effect.map(connect(path), ({ read, write }) => ({
            read,
            write: (bytes) =>
              Buffer.from(bytes).readUInt16BE(numberAt) === number
                ? Effect.andThen(Effect.andThen(Deferred.succeed(there, undefined), Deferred.await(go)), write(bytes))
                : write(bytes)
          }))
      })
    )
  ).pipe(Layer.provide(NodeSockets.layer))
  const waiting = Layer.effect(
    Slots,
    Effect.map(Slots, ({ freed, hold }) =>
      Slots.of({ hold, freed: (name) => Effect.andThen(Deferred.succeed(go, undefined), freed(name)) })
    )
  ).pipe(Layer.provide(NodeSlots.layer))

  const first = yield* Effect.forkChild(
    Effect.flatMap(Vswitch, held).pipe(onceWith(Layer.mergeAll(standing, NodeSlots.layer)))
  )
  yield* Deferred.await(there)
  yield* Effect.flatMap(Vswitch, others).pipe(onceWith(Layer.mergeAll(NodeSockets.layer, waiting)))
  yield* Deferred.succeed(go, undefined)
  return yield* Fiber.await(first)
})

export const vppTogether = suite<VppUnderTest>("calls for one attachment at the same time, on VPP", (test) => {
  test("two DELs of one port never remove the interface that reuses its index", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const gone = yield* request(memif())
        const added = yield* request(memif())
        yield* plug(gone)
        yield* heldAt(
          Ports.removeMemif,
          (vswitch) => vswitch.unplug(unplugOf(gone)),
          (vswitch) => Effect.asVoid(Effect.andThen(vswitch.unplug(unplugOf(gone)), plugOf(vswitch, added)))
        )
        assert.deepStrictEqual(yield* verify(added), [])
        yield* unplug(unplugOf(added))
      })
    ))

  test("a port that is removed while it is created does not become another's", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const made = yield* request(memif())
        const added = yield* request(memif())
        yield* heldAt(
          tagAddDel,
          (vswitch) => plugOf(vswitch, made),
          (vswitch) => Effect.asVoid(Effect.andThen(vswitch.unplug(unplugOf(made)), plugOf(vswitch, added)))
        )
        assert.deepStrictEqual(yield* verify(added), [])
        yield* unplug(unplugOf(added))
        yield* unplug(unplugOf(made))
      })
    ))
})
