/**
 * A server that fails at the nth request of a call, in every way a server can: the call ends within its deadline with
 * an error that says so, or succeeds, and the switch is then as it was, or as it should be.
 */
import { randomUUID } from "node:crypto"
import type { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Result } from "effect"
import { type Deadlines, OvsDeadlines } from "../../src/ovs/client/JsonRpc.ts"
import { OvsClient } from "../../src/ovs/client/OvsClient.ts"
import type { Operation } from "../../src/ovs/client/OvsdbMessages.ts"
import * as OvsVswitch from "../../src/ovs/OvsVswitch.ts"
import { Files } from "../../src/platform/Files.ts"
import { Vswitch, type VswitchError } from "../../src/vswitch/Vswitch.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { request } from "../suites/SwitchUnderTest.ts"
import { untilTrue } from "../support/Until.ts"
import { plugOf } from "../vswitch/support/PlugOf.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { MemoryUnderTest } from "./support/MemoryUnderTest.ts"
import { peer, type Request, reply } from "./support/OvsdbPeer.ts"
import * as OvsMemory from "./support/OvsMemory.ts"

const deadlines: Deadlines = {
  connect: Duration.millis(200),
  reply: Duration.millis(100),
  apply: Duration.millis(300),
  withdraw: Duration.millis(1000)
}
/** Deadlines end a call after one second, on a machine that does nothing else; a call without one never ends. */
const longest = 60_000

/** Connections on which nothing is answered any more. */
const silent = new WeakSet<Socket>()

type Misbehaviour = (socket: Socket, request: Request, perform: () => void) => void

const chunk = `${"x".repeat(64 * 1024)}`
const endless = (socket: Socket): void => {
  while (!socket.destroyed && socket.write(chunk)) {}
  if (!socket.destroyed) socket.once("drain", () => endless(socket))
}

const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  "does not answer": () => {},
  "does what was asked and does not answer": (_socket, _request, perform) => perform(),
  "does what was asked and answers no more on this connection": (socket, _request, perform) => {
    silent.add(socket)
    perform()
  },
  "closes before it does anything": (socket) => socket.destroy(),
  "closes after it has done what was asked": (socket, _, perform) => {
    perform()
    socket.destroy()
  },
  "closes in the middle of the reply": (socket, { id }, perform) => {
    perform()
    socket.end(`{"id":${JSON.stringify(id)},"result":[{},`)
  },
  "sends rubbish": (socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n"),
  "sends a reply of another shape": (socket, asked) => reply(socket, asked, { rows: 7 }),
  "sends rows of another shape": (socket, asked) =>
    reply(
      socket,
      asked,
      asked.params.slice(1).map(() => ({ rows: [{ name: 7 }] }))
    ),
  "sends an error": (socket, { id }) =>
    void socket.write(JSON.stringify({ id, result: null, error: { error: "resources exhausted", details: "no disk" } }))
}

const isOperations = (params: ReadonlyArray<unknown>): params is ReadonlyArray<Operation> =>
  params.every((one) => typeof one === "object")

/** A switch in memory behind a socket, and its `Vswitch`; `at` counts from the first request. */
const behindSocket = Effect.fnUntraced(function* (misbehave: Misbehaviour, at: number) {
  const memory = OvsMemory.make()
  let misbehaved = false
  const server = yield* peer((asked, socket, nth) => {
    const operations = asked.params.slice(1)
    if (!isOperations(operations)) assert.fail("no operations")
    const perform = (then: (results: ReadonlyArray<unknown>) => void) =>
      void Effect.runCallback(memory.results(operations), {
        onExit: (exit) => exit._tag === "Success" && then(exit.value)
      })
    if (silent.has(socket)) return
    if (nth === at) {
      misbehaved = true
      misbehave(socket, asked, () => perform(() => {}))
    } else perform((results) => reply(socket, asked, results))
  })
  const vswitch = OvsVswitch.layer().pipe(
    Layer.provide(OvsClient.layer(server.path)),
    Layer.provide([Files.layer, NodeSockets.layer])
  )
  const call = <A>(f: (vswitch: Vswitch["Service"]) => Effect.Effect<A, VswitchError>) =>
    Effect.timed(
      Effect.result(
        Effect.flatMap(Vswitch, f).pipe(Effect.provide(vswitch), Effect.provideService(OvsDeadlines, deadlines))
      )
    )
  return { memory, server, call, misbehaved: () => misbehaved }
})

for (const [what, misbehave] of Object.entries(misbehaviours)) {
  // They wait for deadlines.
  describe.concurrent(`a server that ${what}`, () => {
    for (const at of [0, 1, 2]) {
      it.live(`at request ${at} of a plug: an error, and nothing is left`, () =>
        Effect.gen(function* () {
          const { call, memory, misbehaved, server } = yield* behindSocket(misbehave, at)
          const wanted = yield* request()
          const before = memory.dump()
          const [taken, outcome] = yield* call((vswitch) => plugOf(vswitch, wanted))
          assert.isTrue(misbehaved())
          assert.isBelow(Duration.toMillis(taken), longest)
          assert.strictEqual(Result.getOrThrow(Result.flip(outcome))._tag, "VswitchError")
          assert.deepStrictEqual(memory.dump(), before)
          yield* untilTrue("no connection", () => server.open() === 0, { every: "1 millis" })
        }).pipe(Effect.provide(MemoryUnderTest))
      )
    }

    // Find the port, its bridge and the bridge's own port; remove the port, then both.
    for (const at of [3, 4, 5, 6, 7]) {
      it.live(`at request ${at - 3} of an unplug: an error or success, and the next one does the rest`, () =>
        Effect.gen(function* () {
          const { call, memory, misbehaved } = yield* behindSocket(misbehave, at)
          const wanted = yield* request()
          const before = memory.dump()
          Result.getOrThrow((yield* call((vswitch) => plugOf(vswitch, wanted)))[1])
          const [taken, outcome] = yield* call((vswitch) => vswitch.unplug(unplugOf(wanted)))
          assert.isTrue(misbehaved())
          assert.isBelow(Duration.toMillis(taken), longest)
          if (Result.isSuccess(outcome)) assert.deepStrictEqual(memory.dump(), before)
          Result.getOrThrow((yield* call((vswitch) => vswitch.unplug(unplugOf(wanted))))[1])
          assert.deepStrictEqual(memory.dump(), before)
        }).pipe(Effect.provide(MemoryUnderTest))
      )
    }
  })
}

it.live("a failed plug removes nothing of another that came between", () =>
  Effect.gen(function* () {
    const first = yield* request()
    const second = { ...first, invocation: randomUUID() }
    const { call, memory } = yield* behindSocket((socket, { id }) => {
      const other = Layer.provide(OvsVswitch.layer(), [OvsMemory.layer(memory), Files.layer, NodeSockets.layer])
      Effect.runCallback(
        Effect.provide(
          Effect.flatMap(Vswitch, (vswitch) => plugOf(vswitch, first)),
          other
        ),
        {
          onExit: () => socket.write(JSON.stringify({ id, result: null, error: "out of memory" }))
        }
      )
    }, 1)
    const [, outcome] = yield* call((vswitch) => plugOf(vswitch, second))
    assert.include(Result.getOrThrow(Result.flip(outcome)).failed, "out of memory")
    assert.include(memory.dump().join(), first.invocation)
    assert.notInclude(memory.dump().join(), second.invocation)
  }).pipe(Effect.provide(MemoryUnderTest))
)

it.live("a message without an end is not kept", () =>
  Effect.gen(function* () {
    const { call, memory } = yield* behindSocket((socket) => endless(socket), 0)
    const before = memory.dump()
    const wanted = yield* request()
    const [, outcome] = yield* call((vswitch) => plugOf(vswitch, wanted)).pipe(
      Effect.provideService(OvsDeadlines, { ...deadlines, reply: Duration.seconds(3) })
    )
    assert.include(Result.getOrThrow(Result.flip(outcome)).failed, "not the OVSDB protocol")
    assert.deepStrictEqual(memory.dump(), before)
  }).pipe(Effect.provide(MemoryUnderTest))
)
