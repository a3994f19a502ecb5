/** The errors about a VPP that is absent, silent or wrong, or about another program, and their timing. */
import * as fs from "node:fs"
import * as net from "node:net"
import { dirname } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Result, type Scope } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { frame } from "../../src/vpp/client/Exchange.ts"
import type { VppWaits } from "../../src/vpp/client/Session.ts"
import { VppClient } from "../../src/vpp/client/VppClient.ts"
import * as Control from "../../src/vpp/messages/Control.ts"
import { interfaceDump } from "../../src/vpp/messages/Interface.ts"
import * as Message from "../../src/vpp/messages/Message.ts"
import {
  list,
  memif,
  once,
  plug,
  preflight,
  refusal,
  request,
  restore,
  status,
  unplug,
  VppUnderTest,
  verify,
  vhost,
  withSession
} from "../suites/VppUnderTest.ts"
import { untilTrue } from "../support/Until.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { type Options, start, type VppServer } from "./server/VppServer.ts"
import { messageNames, tableRows } from "./support/Captures.ts"
import { leftAlone } from "./support/LeftAlone.ts"
import { temporaryDirectory } from "./support/TestVpp.ts"

const waits: VppWaits = { turn: 300, answer: 200, goodbye: 200 }

/** For a peer whose fault is not silence: a busy machine must not count as silent. */
const patient: VppWaits = { ...waits, turn: 20_000, answer: 20_000 }

const at = (path: string, until = waits) => ({ path, release: "26.06", restart: Effect.void, waits: until })

const ping = withSession((session) => session.call(Control.controlPing, {}))

const reasonOf = (path: string) =>
  Effect.map(Effect.flip(Effect.provideService(ping, VppUnderTest, at(path))), ({ reason }) => reason)

/** Answers any input with these bytes, and then does that. */
const peer = Effect.fnUntraced(function* (bytes: Uint8Array, then: "end" | "stay") {
  const path = `${yield* temporaryDirectory}/api.sock`
  yield* Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => {
          socket.write(bytes)
          if (then === "end") socket.end()
        })
      })
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  return path
})

const hello = (response: number) =>
  frame(
    Result.getOrThrow(
      Message.encodeHello(Control.sockclntCreate.reply, Control.sockclntCreateReplyId, {
        client_index: 0,
        context: 1,
        response,
        index: 1,
        message_table: tableRows(messageNames("v26.06"))
      })
    )
  )

describe("no VPP", () => {
  const cases: Readonly<Record<string, readonly [Effect.Effect<string, never, Scope.Scope>, RegExp]>> = {
    "nothing there": [
      Effect.map(temporaryDirectory, (directory) => `${directory}/api.sock`),
      /cannot connect to [^ ]+: ENOENT/
    ],
    "a file": [
      Effect.map(temporaryDirectory, (directory) => {
        fs.writeFileSync(`${directory}/api.sock`, "")
        return `${directory}/api.sock`
      }),
      /cannot connect to [^ ]+: ENOTSOCK/
    ],
    "a socket of one that has ended": [
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const path = yield* Effect.scoped(
          Effect.map(start({ path: `${directory}/live.sock` }), ({ path }) => {
            fs.linkSync(path, `${directory}/api.sock`)
            return `${directory}/api.sock`
          })
        )
        return path
      }),
      /cannot connect to [^ ]+: ECONNREFUSED/
    ],
    "one that closes at once": [peer(new Uint8Array(), "end"), /connection lost \(Closed\)/],
    "one that closes in the middle of its hello": [peer(hello(0).subarray(0, 30_000), "end"), /connection lost/],
    "one that stops in the middle of its hello": [
      peer(hello(0).subarray(0, 30_000), "stay"),
      /no answer within 200 ms/
    ],
    "one that says nothing": [peer(new Uint8Array(), "stay"), /no answer within 200 ms/],
    "a web server": [
      peer(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"), "end"),
      /a message of \d+ bytes is announced/
    ],
    "one that announces two gigabytes": [
      peer(Buffer.from("0000000000000000800000000000000000100000", "hex"), "stay"),
      /a message of 2147483648 bytes is announced/
    ],
    "one that does not want us": [peer(hello(-1), "stay"), /sockclnt_create was answered with -1/],
    "one that greets with half a table": [
      peer(frame(Buffer.from(hello(0).subarray(16, 5000))), "stay"),
      /sockclnt_create_reply: ends inside message_table/
    ]
  }

  it.live.each(Object.keys(cases))("%s: is reported in time, to be retried or refused", (name) =>
    Effect.gen(function* () {
      const [setting, words] = cases[name] ?? assert.fail(name)
      const path = yield* setting
      const wanted = yield* request(memif())
      const calls = [
        status(wanted),
        preflight(wanted),
        plug(wanted),
        restore(wanted),
        verify(wanted),
        unplug(unplugOf(wanted)),
        list()
      ]
      const failures = yield* Effect.forEach(calls, refusal, { concurrency: "unbounded" }).pipe(
        Effect.provideService(VppUnderTest, at(path, words.source.startsWith("no answer") ? waits : patient)),
        leftAlone([dirname(path), dirname(wanted.socketPath)])
      )
      for (const { code, failed } of failures) {
        assert.match(failed, words)
        assert.include([ErrorCodes.TryAgainLater, ErrorCodes.SwitchRefused], code)
      }
    }).pipe(Effect.scoped)
  )
})

const server = (options: Partial<Options> = {}) =>
  Effect.flatMap(temporaryDirectory, (directory) => start({ path: `${directory}/api.sock`, ...options }))

const on = <A, E>(vpp: VppServer, self: Effect.Effect<A, E, VppUnderTest>) =>
  Effect.provideService(self, VppUnderTest, at(vpp.path))

const connected = (vpp: VppServer, count: number) => untilTrue(`${count} clients`, () => vpp.connected === count)

describe("the client disconnects", () => {
  const work = Effect.flatMap(VppClient, ({ open }) => open)
  const ways: Readonly<Record<string, (vpp: VppServer) => Effect.Effect<unknown, unknown, VppUnderTest>>> = {
    "after success": () => once(Effect.scoped(work)),
    "after a refusal": () =>
      withSession((session) => session.call(Control.controlPing, {}).pipe(Effect.andThen(Effect.die("x")))),
    "after an error": () => once(Effect.scoped(Effect.andThen(work, Effect.fail("no")))),
    "after a deadline": (vpp) => {
      vpp.intercept = () => "silence"
      return ping
    },
    "after an interruption": (vpp) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(once(Effect.scoped(Effect.andThen(work, Effect.never))))
        yield* connected(vpp, 1)
        yield* Fiber.interrupt(fiber)
      }),
    "after an interruption during the hello": (vpp) =>
      Effect.gen(function* () {
        vpp.paused = true
        const fiber = yield* Effect.forkChild(once(Effect.scoped(work)))
        yield* connected(vpp, 1)
        yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
        vpp.resume()
        yield* Fiber.await(fiber)
      })
  }

  it.live.each(Object.keys(ways))("%s", (name) =>
    Effect.gen(function* () {
      const vpp = yield* server()
      yield* on(vpp, Effect.exit((ways[name] ?? assert.fail(name))(vpp)))
      yield* connected(vpp, 0)
      assert.deepStrictEqual([vpp.polite, vpp.rude], [1, 0])
    }).pipe(Effect.scoped)
  )
})

it.live("a stopped VPP times out, and works when it continues", () =>
  Effect.gen(function* () {
    const vpp = yield* server()
    vpp.paused = true
    const reason = yield* reasonOf(vpp.path)
    assert.strictEqual(reason._tag, "NoAnswer")
    vpp.resume()
    yield* on(vpp, ping)
    assert.deepStrictEqual(vpp.mistakes, [])
  }).pipe(Effect.scoped)
)

it.live("the late reply to a call that timed out is not taken for another's", () =>
  Effect.gen(function* () {
    const vpp = yield* server()
    const all = { sw_if_index: Control.every, name_filter_valid: false, name_filter: "" }
    yield* on(
      vpp,
      withSession(
        Effect.fnUntraced(function* (session) {
          vpp.paused = true
          yield* Effect.flip(Effect.asVoid(session.dump(interfaceDump, all))).pipe(Effect.orDie)
          const next = yield* Effect.forkChild(session.call(Control.showVersion, {}))
          vpp.resume()
          assert.strictEqual((yield* Fiber.join(next)).program, "vpe")
        })
      )
    )
  }).pipe(Effect.scoped)
)

it.live("a VPP that exits during a call is reported", () =>
  Effect.gen(function* () {
    const vpp = yield* server()
    vpp.intercept = () => "crash"
    const exit = yield* Effect.exit(on(vpp, ping))
    assert.isTrue(Exit.isFailure(exit) && Cause.pretty(exit.cause).includes("connection lost"))
  }).pipe(Effect.scoped)
)

it.live(
  "a VPP without a plugin, or with a different or missing message, supports everything that does not need it",
  () =>
    Effect.gen(function* () {
      const change = (edit: (name: string) => string | undefined) => (names: ReadonlyMap<number, string>) =>
        new Map(
          [...names].flatMap(([number, name]) => {
            const edited = edit(name)
            return edited === undefined ? [] : [[number, edited] as const]
          })
        )
      const vpp = yield* server({ table: change((name) => (/vhost/.test(name) ? undefined : name)) })
      const other = yield* server({ table: change((name) => name.replace(/^(memif_delete)_.*/, "$1_00000000")) })
      const older = yield* server({ table: change((name) => (/^sw_interface_set_mtu/.test(name) ? undefined : name)) })
      const bad = yield* request(vhost())
      const changed = yield* request(memif())
      const missing = yield* request(memif({ mtu: 1500 }))
      // For any call, and with the same message.
      const refused = Effect.fnUntraced(function* (of: VppServer, wanted: typeof bad | typeof changed) {
        const [first = assert.fail(), ...others] = yield* Effect.forEach(
          [plug, preflight, restore, status, verify],
          (call) => on(of, refusal(call(wanted)))
        ).pipe(leftAlone([dirname(of.path), dirname(wanted.socketPath)], of))
        for (const { answer, code, cure } of others) assert.deepInclude(first, { answer, code, cure })
        return first
      })
      const [one, two, three] = yield* Effect.all([refused(vpp, bad), refused(other, changed), refused(older, missing)])
      assert.include(one.failed, "plugin vhost, which has create_vhost_user_if_v2, is not loaded")
      assert.include(two.failed, "message memif_delete has CRC 00000000, not f9e6675e")
      assert.include(three.failed, "message sw_interface_set_mtu is not available")
      assert.include(one.cure, "plugin vhost_plugin.so { enable }")
      yield* on(vpp, status({ port: memif() }))
      yield* on(vpp, plug(yield* request(memif())))
      yield* on(other, plug(yield* request(vhost())))
      yield* on(older, plug(yield* request(memif())))
    }).pipe(Effect.scoped)
)
