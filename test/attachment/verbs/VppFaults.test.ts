/**
 * VPP fails at each request of a whole call: it closes the connection, crashes, or stops answering.
 * `PlugFaults.test.ts` does so for `plug` alone, on a real socket.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { Interception } from "../../vpp/server/VppServer.ts"
import { sameNode, timePasses } from "../support/Faults.ts"
import { isOnVpp, networks } from "../support/Networks.ts"
import { type Asked, stateDir, type Verb, World } from "../support/World.ts"

/** The fault at a request. */
interface Way {
  /** Nothing can be rolled back before the call has ended. */
  readonly deaf?: true
  readonly forgets?: true
  readonly at: (world: World) => Interception
}

const ways: Readonly<Record<string, Way>> = {
  "hangs up at": { at: () => () => "close" },
  "does what it is asked and hangs up at": {
    at:
      ({ vpp: { server } }) =>
      (name, raw) => {
        server.perform(name, raw)
        return "close"
      }
  },
  "dies, and is started again, at": {
    forgets: true,
    at:
      ({ vpp }) =>
      () => {
        vpp.restart()
        return "silence"
      }
  },
  "does not answer any more from": {
    deaf: true,
    at:
      ({ vpp: { server } }) =>
      () => {
        server.intercept = () => "silence"
        return "silence"
      }
  }
}

/** The number of requests of a successful call. */
const requestsOf = Effect.fnUntraced(function* (world: World, verb: Verb, asked: Asked) {
  const { server } = world.vpp
  const before = server.requests.length
  yield* world.call(verb, asked)
  return server.requests.slice(before).filter((name) => name !== "sockclnt_delete").length
})

/** Runs `verb` for each of its requests, on a node in its original state. */
const eachRequest = (
  verb: Verb,
  asked: Asked,
  { at }: Way,
  judge: (world: World, before: ReadonlyArray<string>, failed: boolean, where: string) => Effect.Effect<void, unknown>
) =>
  Effect.gen(function* () {
    const node = sameNode(() => new World())
    const attached = Effect.fnUntraced(function* () {
      const { before, world } = node()
      if (verb === "ADD") return { world, before }
      yield* world.add(asked)
      return { world, before: verb === "CHECK" ? world.dump() : before }
    })
    const count = yield* requestsOf((yield* attached()).world, verb, asked)
    assert.isAbove(count, 3)
    for (let n = 0; n < count; n++) {
      const { before, world } = yield* attached()
      const { server } = world.vpp
      let left = n
      server.intercept = (name, raw) => (left-- === 0 ? at(world)(name, raw) : undefined)
      const fiber = yield* Effect.forkChild(Effect.andThen(Effect.sleep("1 millis"), world.call(verb, asked)))
      // First without time passing, then beyond all deadlines.
      yield* TestClock.adjust("1 millis")
      yield* timePasses(fiber)
      const exit = yield* Fiber.await(fiber)
      server.intercept = () => undefined
      if (Exit.isFailure(exit)) assert.isFalse(Cause.hasDies(exit.cause), Cause.pretty(exit.cause))
      yield* judge(world, before, Exit.isFailure(exit), `request ${n} of ${count}`)
    }
    const { before: empty, world } = node()
    yield* world.add(asked)
    yield* deleted(world, asked, empty, "after all of them")
  })

const deleted = (world: World, asked: Asked, before: ReadonlyArray<string>, where: string) =>
  Effect.gen(function* () {
    yield* world.call("DEL", asked)
    assert.deepStrictEqual(world.dump(), before, where)
  })

/** The note of an ADD that could not reach VPP is for a DEL that cannot either, and is removed by one that can. */
const noted = ({ files }: World) => files.names(`${stateDir}/attachments`).some((name) => name.endsWith(".undone"))

const recorded = ({ files }: World) => files.names(`${stateDir}/attachments`).includes("0958c8871b32-net1.json")

describe.each(Object.keys(networks).filter(isOnVpp))("%s", (network) => {
  const asked = networks[network]

  describe.each(Object.entries(ways))("when VPP %s a request", (_, way) => {
    it.effect("a failed ADD leaves nothing, or its record; DEL then leaves nothing, and the next ADD succeeds", () =>
      eachRequest("ADD", asked, way, (world, before, failed, where) =>
        Effect.gen(function* () {
          const mayStay = noted(world) || (way.deaf === true && recorded(world))
          if (failed && !mayStay) assert.deepStrictEqual(world.dump(), before, where)
          yield* deleted(world, asked, before, where)
        })
      )
    )

    it.effect("a failed DEL keeps the record, and the next one leaves nothing", () =>
      eachRequest("DEL", asked, way, (world, before, failed, where) =>
        Effect.gen(function* () {
          if (failed) assert.isTrue(recorded(world), where)
          else assert.deepStrictEqual(world.dump(), before, where)
          yield* deleted(world, asked, before, where)
        })
      )
    )

    it.effect("CHECK fails, and changes nothing", () =>
      eachRequest("CHECK", asked, way, (world, before, failed, where) =>
        Effect.gen(function* () {
          assert.isTrue(failed, where)
          const lasting = (dump: ReadonlyArray<string>) =>
            way.forgets === true ? dump.filter((line) => !line.startsWith("vpp ")) : dump
          assert.deepStrictEqual(lasting(world.dump()), lasting(before), where)
        })
      )
    )
  })
})
