/**
 * The VPP in TypeScript treats badly behaved clients as real ones were measured to do, so that a client that begins to
 * fail fails its tests here: silence, crash, and the hang.
 */
import * as net from "node:net"
import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { frame, splitter } from "../../src/vpp/client/Exchange.ts"
import * as Control from "../../src/vpp/messages/Control.ts"
import * as Message from "../../src/vpp/messages/Message.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import { untilTrue } from "../support/Until.ts"
import { start, type VppServer } from "./server/VppServer.ts"
import { messageNames } from "./support/Captures.ts"
import { temporaryDirectory } from "./support/TestVpp.ts"

const idOf = (message: Pick<Message.Message<unknown>, "name" | "crc">) =>
  [...messageNames("v26.06")].find(([, name]) => name === Message.nameCrc(message))?.[0] ?? 0

const server = Effect.flatMap(temporaryDirectory, (directory) => start({ path: `${directory}/api.sock` }))

/** A client that follows no rules. */
const raw = Effect.fnUntraced(function* (vpp: VppServer) {
  const received: Array<Buffer> = []
  const { push } = splitter()
  const socket = yield* Effect.callback<net.Socket>((resume) => {
    const socket = net.createConnection({ path: vpp.path }, () => resume(Effect.succeed(socket)))
    socket.on("error", () => {})
    socket.on("data", (chunk) => received.push(...Result.getOrThrow(push(Buffer.from(chunk)))))
  })
  const until = (probe: () => boolean) => untilTrue(String(probe), probe, { every: "1 millis" })
  const send = (bytes: Uint8Array) => Effect.sync(() => void socket.write(frame(bytes)))
  const ask = <A>(message: Message.Message<A>, client: number | undefined, values: NoInfer<A>, id = idOf(message)) =>
    Result.getOrThrow(Message.encodeRequest(message, { id, client, context: 7 }, values))
  yield* send(ask(Control.sockclntCreate, undefined, { name: "raw" }, Control.sockclntCreateId))
  yield* until(() => received.length === 1)
  const client = Buffer.concat(received).readUInt32BE(14)
  received.length = 0
  /** A ping reply shows that everything before it has been handled. */
  const answers = Effect.gen(function* () {
    yield* send(ask(Control.controlPing, client, {}))
    yield* until(() => received.some((bytes) => bytes.readUInt16BE(0) === idOf(Control.controlPing.reply)))
    return received.splice(0).length - 1
  })
  return { socket, client, send, ask, answers, until }
})

it.live("ignores an unknown message number, an unknown client and a short body", () =>
  Effect.gen(function* () {
    const vpp = yield* server
    const { answers, ask, client, send } = yield* raw(vpp)
    const version = ask(Control.showVersion, client, {})
    yield* send(ask(Control.showVersion, client, {}, 65000))
    yield* send(ask(Control.showVersion, client + 1, {}))
    yield* send(version.subarray(0, 8))
    yield* send(ask(Ports.removeMemif, client, { sw_if_index: 1 }).subarray(0, 12))
    assert.strictEqual(yield* answers, 0)
    assert.lengthOf(vpp.mistakes, 4)
    yield* send(Buffer.concat([version, Buffer.alloc(100)]))
    assert.strictEqual(yield* answers, 1)
  }).pipe(Effect.scoped)
)

it.live("crashes on message 1, and on a memif mode that we cannot send", () =>
  Effect.gen(function* () {
    const one = yield* server
    const first = yield* raw(one)
    yield* first.send(first.ask(Control.showVersion, first.client, {}, 1))
    yield* first.until(() => one.broken !== undefined)
    const two = yield* server
    const second = yield* raw(two)
    const create = Buffer.from(
      second.ask(Ports.createMemif, second.client, {
        role: "master",
        mode: "ethernet",
        rx_queues: 0,
        tx_queues: 0,
        id: 0,
        socket_id: 0,
        ring_size: 0,
        buffer_size: 0,
        no_zero_copy: false,
        hw_addr: "00:00:00:00:00:00",
        secret: ""
      })
    )
    create.writeUInt32BE(2, 14)
    yield* second.send(create)
    yield* second.until(() => two.broken !== undefined)
    assert.match(`${one.broken} ${two.broken}`, /memclnt_create.*memif_create/)
  }).pipe(Effect.scoped)
)

it.live("survives 15 connections that drop at once, and hangs for ever at 16", () =>
  Effect.gen(function* () {
    for (const [count, hangs] of [
      [15, false],
      [16, true]
    ] as const) {
      const vpp = yield* server
      const clients = yield* Effect.forEach(Array.from({ length: count }), () => raw(vpp))
      for (const { socket } of clients) socket.destroy()
      yield* untilTrue("no client", () => vpp.connected === 0)
      assert.strictEqual(vpp.broken !== undefined, hangs)
      assert.strictEqual(vpp.rude, count)
    }
  }).pipe(Effect.scoped)
)
