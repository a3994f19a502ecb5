/**
 * Flows of one bridge, over its management socket in the run directory (ovs-vswitchd(8)). They are only needed on a
 * bridge in fail_mode secure, which has no default flow: there the port gets its own flow with its own cookie. Other
 * flows are neither read nor changed.
 */

import { dirname } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Connection, type SocketError, type Sockets, within } from "../../platform/Sockets.ts"
import { OvsDeadlines } from "./JsonRpc.ts"
import * as OpenFlow from "./OpenFlow.ts"
import { ConnectionLost, Malformed, NoAnswer, OvsdbError, type Reason, Rejected, Unreachable } from "./OvsdbError.ts"

type Done<A> = Effect.Effect<A, OvsdbError>

export interface Flows {
  /** Makes the bridge switch packets of this port like a learning bridge (NORMAL). */
  readonly learn: (bridge: string, ofport: number, cookie: bigint) => Done<void>
  readonly forget: (bridge: string, cookie: bigint) => Done<void>
  readonly learns: (bridge: string, cookie: bigint) => Done<boolean>
}

export const overSockets = (sockets: Sockets["Service"], database: string): Flows => {
  /** Sends one request and a barrier; returns the replies that arrive before the barrier's. */
  const ask = Effect.fnUntraced(function* (bridge: string, type: number, body: Uint8Array) {
    const path = `${dirname(database)}/${bridge}.mgmt`
    const { connect, reply } = yield* OvsDeadlines
    const answered = (duration: Duration.Duration) =>
      within({ duration, orElse: () => Effect.fail(new NoAnswer({ millis: Duration.toMillis(duration) })) })
    return yield* sockets.connect(path).pipe(
      Effect.mapError(({ code }): Reason => new Unreachable({ code })),
      answered(connect),
      Effect.flatMap((connection) => answered(reply)(converse(connection, type, body))),
      Effect.mapError((reason) => new OvsdbError({ peer: path, operation: "OpenFlow", reason })),
      Effect.scoped
    )
  })

  return {
    learn: (bridge, port, cookie) =>
      Effect.asVoid(ask(bridge, OpenFlow.Type.FlowMod, OpenFlow.learnFrom(port, cookie))),
    forget: (bridge, cookie) => Effect.asVoid(ask(bridge, OpenFlow.Type.FlowMod, OpenFlow.forget(cookie))),
    learns: (bridge, cookie) =>
      Effect.map(ask(bridge, OpenFlow.Type.MultipartRequest, OpenFlow.count(cookie)), (messages) =>
        messages.some((message) => (OpenFlow.counted(message) ?? 0) > 0)
      )
  }
}

const requestId = 1
const barrierId = 2

const converse = Effect.fnUntraced(function* (connection: Connection, type: number, body: Uint8Array) {
  const lost = ({ code }: SocketError): Reason => new ConnectionLost({ code })
  const send = (bytes: Uint8Array) => Effect.mapError(connection.write(bytes), lost)
  const replies: Array<OpenFlow.Message> = []
  let bytes = Buffer.alloc(0)
  let greeted = false

  yield* send(OpenFlow.encode(OpenFlow.Type.Hello, 0, OpenFlow.hello))
  while (true) {
    bytes = Buffer.concat([bytes, yield* Effect.mapError(connection.read, lost)])
    const split = OpenFlow.split(bytes)
    if (split === undefined) return yield* new Malformed({ detail: "not OpenFlow" })
    bytes = Buffer.from(split.rest)
    for (const message of split.messages) {
      if (message.type === OpenFlow.Type.Error) return yield* refused(message)
      if (message.type === OpenFlow.Type.EchoRequest) {
        yield* send(OpenFlow.encode(OpenFlow.Type.EchoReply, message.id, message.body))
      }
      if (message.type === OpenFlow.Type.Hello && message.version < OpenFlow.version) {
        return yield* new Rejected({ at: "call", error: "the bridge does not speak OpenFlow 1.3", details: "" })
      }
      if (message.type === OpenFlow.Type.Hello && !greeted) {
        greeted = true
        yield* send(
          Buffer.concat([
            OpenFlow.encode(type, requestId, body),
            OpenFlow.encode(OpenFlow.Type.BarrierRequest, barrierId)
          ])
        )
      }
      if (message.id === requestId) replies.push(message)
      if (message.type === OpenFlow.Type.BarrierReply && message.id === barrierId) return replies
    }
  }
})

const refused = ({ body }: OpenFlow.Message) => {
  const numbers = body.length < 4 ? "" : `type ${body.readUInt16BE(0)}, code ${body.readUInt16BE(2)}`
  const text = body
    .subarray(4)
    .toString("latin1")
    .replace(/[^ -~]/g, "")
  return new Rejected({ at: "call", error: `OpenFlow error ${numbers}`, details: text })
}
