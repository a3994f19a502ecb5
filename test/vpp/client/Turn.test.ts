/** A connection slot of a VPP: limited across processes, and released when its holder dies. */
import * as ChildProcess from "node:child_process"
import * as fs from "node:fs"
import { assert, it, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { ErrorCodes } from "../../../src/cni/types/CniError.ts"
import { Slots } from "../../../src/platform/Sockets.ts"
import { take, VppClient } from "../../../src/vpp/client/VppClient.ts"
import { controlPing } from "../../../src/vpp/messages/Control.ts"
import { memif, once, plug, quick, refusal, request, VppUnderTest, withSession } from "../../suites/VppUnderTest.ts"
import { untilTrue } from "../../support/Until.ts"
import * as Support from "../support/TestVpp.ts"

const ping = withSession((session) => session.call(controlPing, {}))

/** The names of `VppClient`: by the socket's inode. */
const nameOf = (path: string) => {
  const { dev, ino } = fs.lstatSync(path)
  return `userspace-cni/vpp/${dev}:${ino}`
}

/** Another process that holds all slots, or this many, until it is killed. */
const holder = Effect.fnUntraced(function* (path: string, count = 8) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      ChildProcess.spawn(
        process.execPath,
        [new URL("../support/hold-turns.ts", import.meta.url).pathname, nameOf(path), String(count)],
        { stdio: ["ignore", "pipe", "inherit"] }
      )
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  yield* Effect.callback<void>((resume) => {
    child.stdout.once("data", () => resume(Effect.void))
  })
  return child
})

it.effect("only an existing slot is waited for", () =>
  Effect.gen(function* () {
    const waited: Array<string> = []
    const slots = Slots.of({
      hold: () => Effect.sync(() => waited.length === 50),
      freed: (name) => Effect.sync(() => void waited.push(name))
    })
    yield* take(slots, "vpp", 1)
    assert.deepStrictEqual(new Set(waited), new Set(["vpp/0"]))
  })
)

layer(Support.layer("26.06"), { excludeTestServices: true })("turns", (it) => {
  it.effect("never more than eight clients at once, of any number", () =>
    Effect.gen(function* () {
      const server = yield* Support.TestVpp
      const { polite } = server
      server.most = 0
      const under = yield* VppUnderTest
      // Sixty clients and their VPP share a processor.
      const patient = { ...under, waits: { ...quick, answer: 15_000 } }
      yield* Effect.all(
        Array.from({ length: 60 }, () => ping),
        { concurrency: "unbounded" }
      ).pipe(Effect.provideService(VppUnderTest, patient))
      assert.isAtMost(server.most, 8)
      assert.isAbove(server.most, 1)
      assert.deepStrictEqual([server.polite - polite, server.rude], [60, 0])
    })
  )

  it.effect("with one held forever: nobody waits for that one while others come free", () =>
    Effect.gen(function* () {
      const { path } = yield* VppUnderTest
      yield* holder(path, 1)
      const answers = yield* Effect.all(
        Array.from({ length: 60 }, () => ping),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(answers, 60)
    })
  )

  it.effect("the wait is part of the deadline, and is named in the error", () =>
    Effect.gen(function* () {
      const under = yield* VppUnderTest
      yield* holder(under.path)
      const patient = { ...under, waits: { ...quick, turn: 200 } }
      const error = yield* Effect.flip(Effect.provideService(ping, VppUnderTest, patient))
      assert.deepStrictEqual(error.reason._tag, "NoTurn")
      const wanted = yield* request(memif())
      const refused = yield* Effect.provideService(refusal(plug(wanted)), VppUnderTest, patient)
      assert.strictEqual(refused.code, ErrorCodes.TryAgainLater)
      assert.include(refused.failed, "other calls of this plugin still used all connections")
    })
  )

  it.effect("a waiter continues as soon as a holder dies", () =>
    Effect.gen(function* () {
      const { path } = yield* VppUnderTest
      const child = yield* holder(path)
      const waiting = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(ping))
      child.kill("SIGKILL")
      const answers = yield* Effect.forEach(waiting, Fiber.join)
      assert.lengthOf(answers, 3)
    })
  )

  it.effect("a turn is held for the time of the session and no longer", () =>
    Effect.gen(function* () {
      const release = yield* Deferred.make<void>()
      const open = once(
        Effect.scoped(Effect.flatMap(VppClient, ({ open }) => Effect.andThen(open, Deferred.await(release))))
      )
      const under = yield* VppUnderTest
      const holders = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.forkChild(open))
      const server = yield* Support.TestVpp
      yield* untilTrue("eight clients", () => server.connected === 8)
      const late = Effect.provideService(ping, VppUnderTest, { ...under, waits: { ...quick, turn: 100 } })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(late)))
      yield* Deferred.succeed(release, undefined)
      yield* Effect.forEach(holders, Fiber.join)
      assert.strictEqual((yield* ping).retval, 0)
    })
  )
})
