/**
 * One connection to VPP: hello, requests, disconnect. The disconnect is always sent, because connections that drop
 * without it can hang VPP. A message is sent only if VPP's table has it with the expected CRC, because some numbers
 * crash VPP. The numbers, which differ with release and plugins, are searched as raw bytes: a few look-ups are cheaper
 * than decoding thousands of rows. This module knows nothing of ports. VPP: src/vlibmemory/socket_api.c.
 */

import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { type Connection, within } from "../../platform/Sockets.ts"
import { spanned } from "../../program/Trace.ts"
import * as Control from "../messages/Control.ts"
import { tableRow } from "../messages/Control.ts"
import * as Message from "../messages/Message.ts"
import * as Exchange from "./Exchange.ts"
import {
  DoesNotFit,
  Malformed,
  MessageChanged,
  MessageMissing,
  NoAnswer,
  NotWelcome,
  PluginNotLoaded,
  type Reason,
  Refused,
  VppError
} from "./VppError.ts"

export type Wanted = Pick<Message.Message<unknown>, "name" | "crc" | "plugin">

type Verdict = { readonly _tag: "Offered"; readonly id: number } | MessageMissing | MessageChanged | PluginNotLoaded

/** A message that the plugin has had in every release: without it, the plugin is not loaded. */
const sign: { readonly [P in Message.Plugin]: string } = {
  af_packet: "af_packet_delete_",
  memif: "memif_dump_",
  vhost: "delete_vhost_user_if_"
}

export const messageTable = (rows: Buffer): ((wanted: Wanted) => Verdict) => {
  /** Returns the offset in `rows` of a row whose name begins with `start`. */
  const find = (start: string, from = 0): number | undefined => {
    const at = rows.indexOf(start, from, "latin1")
    if (at === -1) return undefined
    return at % tableRow === 2 ? at - 2 : find(start, at + 1)
  }
  const nameAt = (row: number): string => {
    const end = rows.indexOf(0, row + 2)
    return rows.toString("latin1", row + 2, end === -1 ? row + tableRow : Math.min(end, row + tableRow))
  }

  /** Returns the CRC of a message with any CRC. */
  const crcOf = (name: string, from = 0): string | undefined => {
    const row = find(`${name}_`, from)
    if (row === undefined) return undefined
    const crc = nameAt(row).slice(name.length + 1)
    // Excludes `memif_create_v2_...` when `memif_create` is searched.
    return /^[0-9a-f]{8}$/.test(crc) ? crc : crcOf(name, row + tableRow)
  }

  const verdict = (wanted: Wanted): Verdict => {
    const row = find(`${Message.nameCrc(wanted)}\0`)
    if (row !== undefined) return { _tag: "Offered", id: rows.readUInt16BE(row) }
    const offered = crcOf(wanted.name)
    const { crc, name, plugin } = wanted
    if (offered !== undefined) return new MessageChanged({ name, wanted: crc, offered })
    if (plugin !== undefined && find(sign[plugin]) === undefined) return new PluginNotLoaded({ plugin, name })
    return new MessageMissing({ name })
  }

  const known = new Map<string, Verdict>()
  return (wanted) => {
    const key = Message.nameCrc(wanted)
    const found = known.get(key) ?? verdict(wanted)
    known.set(key, found)
    return found
  }
}

/** In milliseconds. VPP does not reply to most malformed requests, and to nothing while it is stopped. */
export interface VppWaits {
  /** For a connection slot. */
  readonly turn: number
  /** For the connection and VPP's hello reply; then for one request, or several that are sent together. */
  readonly answer: number
  /** For VPP's reply to the disconnect. Without it, the connection is closed. */
  readonly goodbye: number
}

export const VppDeadlines = Context.Reference<VppWaits>("userspace-cni/VppDeadlines", {
  defaultValue: () => ({ turn: 60_000, answer: 15_000, goodbye: 1_000 })
})

/** A request with its values. */
export interface Ask<R> {
  readonly request: Wanted
  readonly reply: Wanted
  readonly encode: (head: Message.Head & { readonly client: number }) => Result.Result<Uint8Array, Message.CodecFault>
  readonly decode: (bytes: Buffer) => Result.Result<R, Message.CodecFault>
}

export const ask = <A, R>(message: Message.Request<A, R>, values: NoInfer<A>): Ask<R> => ({
  request: message,
  reply: message.reply,
  encode: (head) => Message.encodeRequest(message, head, values),
  decode: (bytes) => Message.decodeReply(message.reply, bytes)
})

export interface Session {
  /** VPP's API socket, for errors. */
  readonly peer: string
  /** False once VPP has ended the connection, or has left a request without an answer. */
  readonly usable: () => boolean
  readonly verdict: (message: Wanted) => Verdict
  readonly offers: (message: Wanted) => boolean
  /** Sends one request. A `retval` other than 0 is an error. */
  readonly call: <A, R extends Message.Retval>(
    message: Message.Request<A, R>,
    values: NoInfer<A>
  ) => Effect.Effect<R, VppError>
  /** Returns all details of a dump. */
  readonly dump: <A, D>(message: Message.Dump<A, D>, values: NoInfer<A>) => Effect.Effect<ReadonlyArray<D>, VppError>
  /**
   * Sends several requests in one write. VPP handles them without a request of another client in between. Replies are
   * returned as they are, errors among them.
   */
  readonly together: <R>(asks: ReadonlyArray<Ask<R>>) => Effect.Effect<ReadonlyArray<R>, VppError>
  /** The same for requests that change nothing. */
  readonly read: <R>(asks: ReadonlyArray<Ask<R>>) => Effect.Effect<ReadonlyArray<R>, VppError>
  /** Fails with the reason when the connection ends. */
  readonly end: Effect.Effect<never, VppError>
}

/** Shown by `show api clients`. */
const clientName = "userspace-cni"

export const open = Effect.fnUntraced(function* (
  peer: string,
  connection: Connection,
  waits: VppWaits
): Effect.fn.Return<Session, Reason, Scope.Scope> {
  const exchange = yield* Exchange.make(connection)
  const hello = exchange.expect(Exchange.helloContext, (_, bytes) => toExit(decodeHello(bytes)))
  // Registered before the request: VPP may know this client from the moment it is sent.
  yield* Effect.addFinalizer(() => goodbye(exchange, hello, waits.goodbye))
  yield* Effect.flatMap(Effect.fromResult(written(encodeHello(exchange.nextContext()))), (bytes) =>
    exchange.send([bytes])
  )
  return session(peer, exchange, yield* Deferred.await(hello), waits.answer)
})

interface Hello {
  readonly client: number
  readonly verdict: (message: Wanted) => Verdict
}

const encodeHello = (context: number) =>
  Message.encodeRequest(
    Control.sockclntCreate,
    { id: Control.sockclntCreateId, client: undefined, context },
    { name: clientName }
  )

const decodeHello = (bytes: Buffer): Result.Result<Hello, Reason> =>
  Result.flatMap(read(Message.decodeHello(Control.sockclntCreate.reply, bytes)), (reply) =>
    reply.response === 0
      ? Result.succeed({ client: reply.index, verdict: messageTable(reply.message_table) })
      : Result.fail(new NotWelcome({ response: reply.response }))
  )

export const written = Result.mapError(
  ({ detail, message }: Message.CodecFault) => new DoesNotFit({ name: message, detail })
)
export const read = Result.mapError(
  ({ detail, message }: Message.CodecFault) => new Malformed({ detail: `${message}: ${detail}` })
)

const toExit = <A>(result: Result.Result<A, Reason>): Exit.Exit<A, Reason> =>
  Result.match(result, { onFailure: Exit.fail, onSuccess: Exit.succeed })

/** VPP replies with 1 and closes. Without a reply to the hello, this client has no index to disconnect. */
const goodbye = (exchange: Exchange.Exchange, hello: Deferred.Deferred<Hello, Reason>, millis: number) =>
  Deferred.await(hello).pipe(
    Effect.flatMap((hello) =>
      session("", exchange, hello, millis).together([ask(Control.sockclntDelete, { index: hello.client })])
    ),
    Effect.timeout(millis),
    Effect.ignoreCause
  )

/** Sends one request among others of which none follows. A `retval` other than 0 is an error. */
export const callBy = (peer: string, together: Session["together"]): Session["call"] =>
  Effect.fnUntraced(function* (message, values) {
    const [answer] = yield* together([ask(message, values)])
    if (answer === undefined) return yield* Effect.die("as many answers as requests")
    if (answer.retval === 0) return answer
    return yield* new VppError({ peer, reason: new Refused({ name: message.name, retval: answer.retval }) })
  })

const session = (peer: string, exchange: Exchange.Exchange, { client, verdict }: Hello, millis: number): Session => {
  const told = Effect.mapError((reason: Reason) => new VppError({ peer, reason }))
  let answers = true

  const idOf = (message: Wanted): Effect.Effect<number, Reason> => {
    const found = verdict(message)
    return found._tag === "Offered" ? Effect.succeed(found.id) : Effect.fail(found)
  }
  const timely = <A>(answer: Effect.Effect<A, Reason>): Effect.Effect<A, Reason> =>
    within({
      duration: millis,
      orElse: () => {
        answers = false
        return Effect.fail(new NoAnswer({ millis }))
      }
    })(answer)

  const prepare = Effect.fnUntraced(function* <R>({ decode, encode, reply, request }: Ask<R>) {
    const id = yield* idOf(request)
    const replyId = yield* idOf(reply)
    const context = exchange.nextContext()
    const bytes = yield* Effect.fromResult(written(encode({ id, client, context })))
    const take: Exchange.Take<R> = (id, received) => (id === replyId ? toExit(read(decode(received))) : undefined)
    return { context, bytes, take }
  })

  const all = Effect.fnUntraced(function* <R>(asks: ReadonlyArray<Ask<R>>) {
    const prepared = yield* Effect.forEach(asks, prepare)
    const answers = prepared.map(({ context, take }) => exchange.expect(context, take))
    return yield* exchange
      .send(prepared.map(({ bytes }) => bytes))
      .pipe(
        Effect.andThen(Effect.forEach(answers, (answer) => Deferred.await(answer))),
        timely,
        Effect.ensuring(Effect.sync(() => prepared.forEach(({ context }) => void exchange.forget(context))))
      )
  })

  /** The details and the ping that ends them have the same context. */
  const dump = Effect.fnUntraced(function* <A, D>(message: Message.Dump<A, D>, values: A) {
    const detailsId = yield* idOf(message.details)
    if (message.details.headedAsRequest === true) exchange.headedAsRequest.add(detailsId)
    const end = yield* prepare(ask(Control.controlPing, {}))
    const { context } = end
    const id = yield* idOf(message)
    const bytes = yield* Effect.fromResult(written(Message.encodeRequest(message, { id, client, context }, values)))
    const details: Array<D> = []
    const answer = exchange.expect<ReadonlyArray<D>>(context, (id, received) => {
      if (id !== detailsId) return end.take(id, received) && Exit.succeed(details)
      const decoded = read(Message.decodeReply(message.details, received))
      if (Result.isFailure(decoded)) return Exit.fail(decoded.failure)
      details.push(decoded.success)
      return undefined
    })
    return yield* exchange
      .send([bytes, end.bytes])
      .pipe(
        Effect.andThen(Deferred.await(answer)),
        timely,
        Effect.ensuring(Effect.sync(() => exchange.forget(context)))
      )
  })

  const together: Session["together"] = (asks) =>
    spanned(told(all(asks)), asks.map(({ request }) => request.name).join(" "))

  return {
    peer,
    usable: () => answers && exchange.ended() === undefined,
    verdict,
    offers: (message) => verdict(message)._tag === "Offered",
    call: callBy(peer, together),
    dump: (message, values) => spanned(told(dump(message, values)), message.name),
    together,
    read: together,
    // No reply has this context.
    end: told(Effect.suspend(() => Deferred.await(exchange.expect<never>(exchange.nextContext(), () => undefined))))
  }
}

/** One of several changes in one write. VPP runs all of them even if one fails; the caller rolls back. */
export interface Step<R extends Message.Retval = Message.Retval> {
  readonly ask: Ask<R>
  /** Error numbers that are accepted, because the state is already as requested, or the setting is optional. */
  readonly tolerated: ReadonlyArray<number> | "any"
}

export const step = <A, R extends Message.Retval>(
  message: Message.Request<A, R>,
  values: A,
  tolerated: Step["tolerated"] = []
): Step<R> => ({ ask: ask(message, values), tolerated })

/** Fails with the first error that is not accepted. */
export const run = Effect.fnUntraced(function* (session: Session, steps: ReadonlyArray<Step>) {
  const answers = steps.length === 0 ? [] : yield* session.together(steps.map(({ ask }) => ask))
  for (const [n, step] of steps.entries()) yield* judge(session, step, answers[n]?.retval ?? 0)
  return answers
})

/** Judges VPP's reply to one step. */
export const judge = ({ peer }: Session, { ask, tolerated }: Step, retval: number): Effect.Effect<void, VppError> =>
  retval === 0 || tolerated === "any" || tolerated.includes(retval)
    ? Effect.void
    : Effect.fail(new VppError({ peer, reason: new Refused({ name: ask.request.name, retval }) }))
