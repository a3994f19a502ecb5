/** `node test/ovs/support/record-session.ts SOCKET > test/ovs/fixtures/session.jsonl`: see the README there. */
import { Effect, Layer } from "effect"
import { Sockets } from "../../../src/platform/Sockets.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { session, sessionOn, withoutTime } from "./Session.ts"

const write = (dir: "send" | "receive", bytes: Uint8Array) =>
  Effect.sync(() => process.stdout.write(`{"dir":"${dir}","msg":${withoutTime(Buffer.from(bytes).toString())}}\n`))

/** Each message is small enough to be written and read in one piece. */
const recording = Layer.effect(
  Sockets,
  Effect.gen(function* () {
    const sockets = yield* Sockets
    return Sockets.of({
      connect: (path) =>
        Effect.map(sockets.connect(path), (connection) => ({
          write: (bytes) => Effect.andThen(write("send", bytes), connection.write(bytes)),
          read: Effect.tap(connection.read, (bytes) => write("receive", bytes))
        }))
    })
  })
).pipe(Layer.provide(NodeSockets.layer))

const [, , socket = "/var/run/openvswitch/db.sock"] = process.argv
await Effect.runPromise(session.pipe(Effect.provide(sessionOn(socket)), Effect.provide(recording)))
