/**
 * A message of the binary API: its name and CRC, by which VPP's table is searched, and its fields. Requests begin with
 * the client's index, requests and replies with a context that VPP sends back. Pure: what numbers the messages have
 * today, and who speaks, is known in `Session.ts`. VPP: src/vlibapi, src/tools/vppapigen.
 */
import * as Result from "effect/Result"
import { type Field, SchemaMismatch, struct } from "./Field.ts"

/** A plugin of VPP that may not be loaded. */
export type Plugin = "memif" | "vhost"

export interface Message<A> {
  readonly name: string
  /** Eight hexadecimal digits over the message and all its types: another CRC is another message. */
  readonly crc: string
  /** Undefined: VPP itself has it. */
  readonly plugin: Plugin | undefined
  readonly fields: Field<A>
}

export interface Request<A, R> extends Message<A> {
  readonly reply: Message<R>
}

/** Answered by any number of `details`, and no end: a control_ping sent after it marks that. */
export interface Dump<A, D> extends Message<A> {
  readonly details: Message<D>
}

/** What VPP says to a request it has understood: 0, or the number of an error. */
export interface Retval {
  readonly retval: number
}

type Shape<F> = { readonly [K in keyof F]: Field<F[K]> }

export const reply = <F extends Readonly<Record<string, unknown>>>(
  name: string,
  crc: string,
  fields: Shape<F>,
  plugin?: Plugin
): Message<F> => ({ name, crc, plugin, fields: struct<F>(fields) })

export const request = <F extends Readonly<Record<string, unknown>>, R>(
  name: string,
  crc: string,
  fields: Shape<F>,
  answer: Message<R>,
  plugin?: Plugin
): Request<F, R> => ({ name, crc, plugin, fields: struct<F>(fields), reply: answer })

export const dump = <F extends Readonly<Record<string, unknown>>, D>(
  name: string,
  crc: string,
  fields: Shape<F>,
  details: Message<D>,
  plugin?: Plugin
): Dump<F, D> => ({ name, crc, plugin, fields: struct<F>(fields), details })

/** `memif_create_v2_8c7de5f7`: how VPP's table calls it. */
export const nameCrc = ({ name, crc }: Pick<Message<unknown>, "name" | "crc">): string => `${name}_${crc}`

/** The message cannot be written, or what came cannot be read. */
export interface CodecFault {
  readonly message: string
  readonly detail: string
}

const guarded = <A>(message: Pick<Message<unknown>, "name">, run: () => A): Result.Result<A, CodecFault> =>
  Result.try({
    try: run,
    catch: (cause) => ({
      message: message.name,
      detail: cause instanceof SchemaMismatch ? cause.message : String(cause)
    })
  })

export interface Head {
  readonly id: number
  readonly context: number
}

/** `client`: the index that VPP gave this connection. Undefined for the one request that is made before. */
export const encodeRequest = <A>(
  message: Message<A>,
  head: Head & { readonly client: number | undefined },
  value: NoInfer<A>
): Result.Result<Uint8Array, CodecFault> =>
  guarded(message, () => {
    const to = { bytes: Buffer.alloc(512), at: 10, field: "" }
    to.bytes.writeUInt16BE(head.id, 0)
    if (head.client === undefined) {
      to.bytes.writeUInt32BE(head.context, 2)
      to.at = 6
    } else {
      to.bytes.writeUInt32BE(head.client, 2)
      to.bytes.writeUInt32BE(head.context, 6)
    }
    message.fields.write(to, value)
    return to.bytes.subarray(0, to.at)
  })

export const encodeReply = <A>(message: Message<A>, head: Head, value: A): Result.Result<Uint8Array, CodecFault> =>
  encodeRequest(message, { ...head, client: undefined }, value)

/** Undefined: too short to have one. */
export const idOf = (bytes: Buffer): number | undefined => (bytes.length < 2 ? undefined : bytes.readUInt16BE(0))
export const contextOf = (bytes: Buffer): number | undefined => (bytes.length < 6 ? undefined : bytes.readUInt32BE(2))

/** What follows number and context of a reply. Bytes after the last field are a newer VPP's business. */
export const decodeReply = <A>(message: Message<A>, bytes: Buffer): Result.Result<A, CodecFault> =>
  decodeAt(message, bytes, 6)

/** VPP's first message to us: its head is its own, and stands among its fields. */
export const encodeHello = <A>(message: Message<A>, id: number, value: A): Result.Result<Uint8Array, CodecFault> =>
  guarded(message, () => {
    const to = { bytes: Buffer.alloc(512), at: 2, field: "" }
    to.bytes.writeUInt16BE(id, 0)
    message.fields.write(to, value)
    return to.bytes.subarray(0, to.at)
  })

export const decodeHello = <A>(message: Message<A>, bytes: Buffer): Result.Result<A, CodecFault> =>
  decodeAt(message, bytes, 2)

/** What follows number, client index and context of a request. */
export const decodeRequest = <A>(message: Message<A>, bytes: Buffer): Result.Result<A, CodecFault> =>
  decodeAt(message, bytes, 10)

const decodeAt = <A>(message: Message<A>, bytes: Buffer, at: number) =>
  guarded(message, () => message.fields.read({ bytes, at, field: "its head" }))
