/** A message's effect on a {@link VppModel}, and its reply. */
import * as Result from "effect/Result"
import type { Retval } from "../../../src/vpp/messages/Message.ts"
import * as Message from "../../../src/vpp/messages/Message.ts"
import type { Interface, VppModel } from "./VppModel.ts"

type Named = Pick<Message.Message<unknown>, "name" | "crc">

/** One message of the reply. */
export interface Answer {
  readonly message: Named
  readonly encode: (head: Message.Head) => Uint8Array
}

export interface Handler extends Named {
  readonly reply: Named | undefined
  /** Undefined: the body is too short, and VPP ignores the message. */
  readonly handle: (model: VppModel, raw: Buffer) => ReadonlyArray<Answer> | undefined
}

export const answer = <A>(message: Message.Message<A>, value: A): Answer => ({
  message,
  encode: (head) => Result.getOrThrow(Message.encodeReply(message, head, value))
})

export const onRequest = <A, R>(
  message: Message.Request<A, R>,
  handle: (model: VppModel, values: A) => R
): Handler => ({
  name: message.name,
  crc: message.crc,
  reply: message.reply,
  handle: (model, raw) => {
    const values = Message.decodeRequest(message, raw)
    return Result.isFailure(values) ? undefined : [answer(message.reply, handle(model, values.success))]
  }
})

const absent = -2

/** Most requests name an interface, and return -2 when it does not exist. `change` returns an error number, if any. */
export const onInterface = <A extends { readonly sw_if_index: number }>(
  message: Message.Request<A, Retval>,
  change: (one: Interface, values: A, model: VppModel) => number | undefined
): Handler =>
  onRequest(message, (model, values) => {
    const one = model.interfaces.get(values.sw_if_index)
    return { retval: one === undefined ? absent : (change(one, values, model) ?? 0) }
  })

export const onDump = <A, D>(
  message: Message.Dump<A, D>,
  rows: (model: VppModel, values: A) => ReadonlyArray<D>
): Handler => ({
  name: message.name,
  crc: message.crc,
  reply: undefined,
  handle: (model, raw) => {
    const values = Message.decodeRequest(message, raw)
    return Result.isFailure(values)
      ? undefined
      : rows(model, values.success).map((details) => answer(message.details, details))
  }
})
