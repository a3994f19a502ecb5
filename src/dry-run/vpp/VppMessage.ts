/**
 * A message's effect on a {@link VppModel}, its reply, and the line for `vppctl` that does the same. Messages are
 * encoded, so that what cannot be sent is refused here as well.
 */
import * as Result from "effect/Result"
import type { Retval } from "../../vpp/messages/Message.ts"
import * as Message from "../../vpp/messages/Message.ts"
import type { Interface, VppModel } from "./VppModel.ts"

type Named = Pick<Message.Message<unknown>, "name" | "crc">

/** One message of the reply. */
export interface Answer {
  readonly message: Named
  readonly encode: (head: Message.Head) => Uint8Array
}

export interface Told {
  readonly arguments: Readonly<Record<string, unknown>>
  /** Without `vppctl` in front. */
  readonly vppctl: ReadonlyArray<string>
}

export interface Handler extends Named {
  readonly reply: Named | undefined
  /** Undefined: the body is too short, and VPP ignores the message. */
  readonly handle: (model: VppModel, raw: Buffer) => ReadonlyArray<Answer> | undefined
  /**
   * Called before the change, while a removed object still has a name. Undefined: the message changes nothing that the
   * plugin does.
   */
  readonly tell: (model: VppModel, raw: Buffer) => Told | undefined
}

export const answer = <A>(message: Message.Message<A>, value: A): Answer => ({
  message,
  encode: (head) => Result.getOrThrow(Message.encodeReply(message, head, value))
})

/** Returns the name of the interface with an index. */
type NameOf = (index: number) => string

/** Lines for `vppctl`, or one. */
type Lines<A> = (values: A, name: NameOf) => string | ReadonlyArray<string>

/** `shown`: selects the values to print; by default all. */
export const onRequest = <A extends object, R>(
  message: Message.Request<A, R>,
  handle: (model: VppModel, values: A) => R,
  lines?: Lines<A>,
  shown: (values: A) => object = (values) => values
): Handler => {
  const decoded = (raw: Buffer) => Result.getOrUndefined(Message.decodeRequest(message, raw))
  return {
    name: message.name,
    crc: message.crc,
    reply: message.reply,
    handle: (model, raw) => {
      const values = decoded(raw)
      return values === undefined ? undefined : [answer(message.reply, handle(model, values))]
    },
    tell: (model, raw) => {
      const values = decoded(raw)
      if (values === undefined || lines === undefined) return undefined
      const name = (index: number) => model.nameOf(index)
      return { arguments: presentable(shown(values), name), vppctl: [lines(values, name)].flat() }
    }
  }
}

const absent = -2

/** Most requests name an interface, and return -2 when it does not exist. `change` returns an error number, if any. */
export const onInterface = <A extends { readonly sw_if_index: number }>(
  message: Message.Request<A, Retval>,
  change: (one: Interface, values: A, model: VppModel) => number | undefined,
  lines?: Lines<A>
): Handler =>
  onRequest(
    message,
    (model, values) => {
      const one = model.interfaces.get(values.sw_if_index)
      return { retval: one === undefined ? absent : (change(one, values, model) ?? 0) }
    },
    lines
  )

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
  },
  tell: () => undefined
})

/** Replaces indices, which are not known before, by names, and omits secrets. */
const presentable = (values: object, name: NameOf): Told["arguments"] =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]: [string, unknown]) => [
      key,
      /sw_if_index(_from|_to)?$/.test(key) && typeof value === "number"
        ? name(value)
        : key === "secret" && value !== ""
          ? "(secret)"
          : value
    ])
  )
