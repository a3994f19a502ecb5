/**
 * The wire of the switch in memory: JSON-RPC of its database (RFC 7047, section 4) and OpenFlow of its bridges, so that
 * the real clients run on it. Connections have no socket: a write is delivered at once.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type { Flows } from "../../../src/ovs/client/Flows.ts"
import * as OpenFlow from "../../../src/ovs/client/OpenFlow.ts"
import type { Operation } from "../../../src/ovs/client/OvsdbMessages.ts"
import * as OvsdbMessages from "../../../src/ovs/client/OvsdbMessages.ts"
import { type Connection, SocketError } from "../../../src/platform/Sockets.ts"

/** Ends connections from the server's side. */
export type HangUps = Set<() => void>

type Says = (bytes: Uint8Array) => void

/** One end of a connection. Its remaining work ends with `scope` when the connection is closed. */
type Hears = (bytes: Uint8Array, says: Says, scope: Scope.Scope) => Effect.Effect<void>

export const dial = Effect.fnUntraced(function* (
  path: string,
  hears: Hears,
  open: HangUps
): Effect.fn.Return<Connection, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const said = yield* Queue.unbounded<Uint8Array, SocketError>()
  let closed = false
  const close = () => {
    if (closed) return
    closed = true
    open.delete(close)
    Queue.failCauseUnsafe(said, Cause.fail(new SocketError({ path, code: "Closed", operation: "read" })))
  }
  open.add(close)
  yield* Scope.addFinalizer(scope, Effect.sync(close))
  const says: Says = (bytes) => {
    if (!closed) Queue.offerUnsafe(said, bytes)
  }
  return {
    read: Queue.take(said),
    write: (bytes) =>
      Effect.suspend(() =>
        closed ? Effect.fail(new SocketError({ path, code: "EPIPE", operation: "write" })) : hears(bytes, says, scope)
      )
  }
})

export type Results = (operations: ReadonlyArray<Operation>) => Effect.Effect<ReadonlyArray<unknown>>

/** Starts to report changes to `says`: returns the current rows. */
export type Monitors = (id: unknown, wanted: unknown, says: (document: object) => void) => object

/** `isSilent`: accepts requests and does nothing. */
export const database = (results: Results, isSilent: () => boolean, monitors: Monitors): Hears => {
  let splitter = OvsdbMessages.newSplitter(1 << 20)
  const answer = (text: string, says: Says): Effect.Effect<void> => {
    const { id, method, params } = requestOf(text)
    const say = (document: object) => says(Buffer.from(JSON.stringify({ id, ...document })))
    if (method === "monitor_cond") {
      const tell = (document: object) => says(Buffer.from(JSON.stringify({ id: null, ...document })))
      return Effect.sync(() => say({ result: monitors(params[1], params[2], tell), error: null }))
    }
    return method === "transact"
      ? Effect.map(results(params.filter(isOperation)), (result) => say({ result, error: null }))
      : Effect.sync(() => say({ result: null, error: { error: "unknown method" } }))
  }
  return (bytes, says, scope) =>
    Effect.suspend(() => {
      const split = Result.getOrThrow(OvsdbMessages.split(splitter, bytes))
      splitter = split.splitter
      if (isSilent()) return Effect.void
      // At once, except for waits; others are answered meanwhile.
      return Effect.forEach(
        split.texts,
        (text) => Effect.forkIn(answer(text, says), scope, { startImmediately: true }),
        { discard: true }
      )
    })
}

/** The control socket of ovs-vswitchd: every command has its version for an answer. */
export const control = (): Hears => {
  let splitter = OvsdbMessages.newSplitter(1 << 16)
  return (bytes, says) =>
    Effect.sync(() => {
      const split = Result.getOrThrow(OvsdbMessages.split(splitter, bytes))
      splitter = split.splitter
      for (const text of split.texts) {
        const result = "ovs-vswitchd (Open vSwitch) 3.5.0"
        says(Buffer.from(JSON.stringify({ id: requestOf(text).id, result, error: null })))
      }
    })
}

/** One of ours. */
const requestOf = (text: string) => {
  const value: unknown = JSON.parse(text)
  const params: unknown = Predicate.hasProperty(value, "params") ? value.params : []
  return {
    id: Predicate.hasProperty(value, "id") ? value.id : null,
    method: Predicate.hasProperty(value, "method") ? value.method : "",
    params: Array.isArray(params) ? params.map((one): unknown => one) : []
  }
}

const isOperation = (value: unknown): value is Operation => Predicate.hasProperty(value, "op")

/** A bridge's management socket. */
export const management = (bridge: string, flows: Flows): Hears => {
  let bytes = Buffer.alloc(0)
  const answer = ({ body, id, type }: OpenFlow.Message, say: (type: number, id: number, body?: Uint8Array) => void) => {
    switch (type) {
      case OpenFlow.Type.Hello:
        return Effect.sync(() => say(OpenFlow.Type.Hello, id, OpenFlow.hello))
      case OpenFlow.Type.FlowMod: {
        const { cookie, learns } = flowModOf(body)
        return learns === undefined ? flows.forget(bridge, cookie) : flows.learn(bridge, learns, cookie)
      }
      case OpenFlow.Type.MultipartRequest:
        return Effect.map(flows.learns(bridge, countedCookie(body)), (there) =>
          say(OpenFlow.Type.MultipartReply, id, countOf(there ? 1 : 0))
        )
      case OpenFlow.Type.BarrierRequest:
        return Effect.sync(() => say(OpenFlow.Type.BarrierReply, id))
      default:
        return Effect.void
    }
  }
  return (more, says) =>
    Effect.suspend(() => {
      const { messages = [], rest = Buffer.alloc(0) } = OpenFlow.split(Buffer.concat([bytes, more])) ?? {}
      bytes = Buffer.from(rest)
      // A dead one does not answer.
      return Effect.ignore(
        Effect.forEach(
          messages,
          (message) => answer(message, (type, id, body) => says(OpenFlow.encode(type, id, body))),
          { discard: true }
        )
      )
    })
}

/** The content of these two messages: the port that a flow is learned from, or none. */
const flowModOf = (body: Buffer): { readonly cookie: bigint; readonly learns: number | undefined } => ({
  cookie: body.readBigUInt64BE(0),
  learns: body.readUInt8(17) === 0 ? body.readUInt32BE(48) : undefined
})

/** Parses `OpenFlow.count` as a switch does, and answers it. */
const countedCookie = (body: Buffer): bigint => body.readBigUInt64BE(24)

const countOf = (flows: number): Buffer => {
  const body = Buffer.alloc(32)
  body.writeUInt16BE(2, 0) // OFPMP_AGGREGATE
  body.writeUInt32BE(flows, 24)
  return body
}
