/** What a request does to the state, and how it is answered. */
import { Result } from "effect"
import * as Message from "../../../src/vpp/wire/Message.ts"
import type { State } from "./State.ts"

/** Bytes of the answers, or what happens instead of one. */
export type Outcome = ReadonlyArray<Answer> | "silence" | "crash"

export interface Answer {
  readonly message: Pick<Message.Message<unknown>, "name" | "crc">
  readonly encode: (head: Message.Head) => Uint8Array
}

export interface Handler {
  readonly name: string
  readonly crc: string
  readonly reply: Pick<Message.Message<unknown>, "name" | "crc"> | undefined
  /** `raw`: the whole message, for what the codec refuses and VPP does not. */
  readonly handle: (state: State, raw: Buffer) => Outcome
}

export const answer = <A>(message: Message.Message<A>, value: A): Answer => ({
  message,
  encode: (head) => Result.getOrThrow(Message.encodeReply(message, head, value))
})

/** A body that is too short is passed over without a word. */
const decoded = <A>(message: Message.Message<A>, raw: Buffer, then: (value: A) => Outcome): Outcome => {
  const value = Message.decodeRequest(message, raw)
  return Result.isFailure(value) ? "silence" : then(value.success)
}

export const onRequest = <A, R>(
  message: Message.Request<A, R>,
  handle: (state: State, value: A) => R | "crash"
): Handler => ({
  name: message.name,
  crc: message.crc,
  reply: message.reply,
  handle: (state, raw) =>
    decoded(message, raw, (value) => {
      const reply = handle(state, value)
      return reply === "crash" ? "crash" : [answer(message.reply, reply)]
    })
})

export const onDump = <A, D>(
  message: Message.Dump<A, D>,
  handle: (state: State, value: A) => ReadonlyArray<D>
): Handler => ({
  name: message.name,
  crc: message.crc,
  reply: undefined,
  handle: (state, raw) =>
    decoded(message, raw, (value) => handle(state, value).map((details) => answer(message.details, details)))
})
