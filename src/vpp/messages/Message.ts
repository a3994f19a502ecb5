/**
 * A message of the binary API: its name and CRC, by which VPP's table is searched, and its fields. Requests begin with
 * the client's index; requests and replies have a context that VPP sends back. Pure: `Session.ts` knows the message
 * numbers and the client. VPP: src/vlibapi, src/tools/vppapigen.
 */
import * as Result from "effect/Result"
import { type Field, i32, SchemaMismatch, struct, u32 } from "./Field.ts"

/** A plugin of VPP that may not be loaded. */
export type Plugin = "af_packet" | "memif" | "vhost"

export interface Message<A> {
  readonly name: string
  /** Eight hexadecimal digits over the message and all its types. Another CRC means another message. */
  readonly crc: string
  /** Undefined: VPP itself has it. */
  readonly plugin: Plugin | undefined
  readonly fields: Field<A>
  /** True for a few replies: the client's index stands before the context, as in a request. */
  readonly headedAsRequest?: true
}

export interface Request<A, R> extends Message<A> {
  readonly reply: Message<R>
}

/** The reply is any number of `details` without an end: a control_ping sent after it marks the end. */
export interface Dump<A, D> extends Message<A> {
  readonly details: Message<D>
}

/** VPP's result: 0, or an error number. */
export interface Retval {
  readonly retval: number
}

type Shape<F> = { readonly [K in keyof F]: Field<F[K]> }

/** The answer to a request, or the details of a dump. Its name follows from theirs. */
type Reply<A> = Pick<Message<A>, "crc" | "fields" | "headedAsRequest">

export const reply = <F extends Readonly<Record<string, unknown>>>(crc: string, fields: Shape<F>): Reply<F> => ({
  crc,
  fields: struct<F>(fields)
})

/** The reply to most requests. */
export const plain = reply("e8d4e804", { retval: i32 })

/** The reply to a creation. After an error the index has no meaning; VPP leaves garbage in it. */
export const created = reply("5383d31f", { retval: i32, sw_if_index: u32 })

export const request = <F extends Readonly<Record<string, unknown>>, R>(
  name: string,
  crc: string,
  fields: Shape<F>,
  answer: Reply<R>,
  plugin?: Plugin
): Request<F, R> => ({ name, plugin, ...reply(crc, fields), reply: { name: `${name}_reply`, plugin, ...answer } })

export const dump = <F extends Readonly<Record<string, unknown>>, D>(
  name: string,
  crc: string,
  fields: Shape<F>,
  details: Reply<D>,
  plugin?: Plugin
): Dump<F, D> => ({
  name,
  plugin,
  ...reply(crc, fields),
  details: { name: name.replace(/dump$/, "details"), plugin, ...details }
})

/** `memif_create_v2_8c7de5f7`: the name in VPP's table. */
export const nameCrc = ({ name, crc }: Pick<Message<unknown>, "name" | "crc">): string => `${name}_${crc}`

/** A message that cannot be encoded, or bytes that cannot be decoded. */
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

/** `head`: what is between number and fields. */
const encode = <A>(message: Message<A>, id: number, head: ReadonlyArray<number>, value: A) =>
  guarded(message, (): Uint8Array => {
    const to = { bytes: Buffer.alloc(512), at: 2 + 4 * head.length, field: "" }
    to.bytes.writeUInt16BE(id, 0)
    for (const [n, word] of head.entries()) to.bytes.writeUInt32BE(word, 2 + 4 * n)
    message.fields.write(to, value)
    return to.bytes.subarray(0, to.at)
  })

/** `client`: the index that VPP assigned to this connection. Undefined for the first request. */
export const encodeRequest = <A>(
  message: Message<A>,
  { client, context, id }: Head & { readonly client: number | undefined },
  value: NoInfer<A>
) => encode(message, id, client === undefined ? [context] : [client, context], value)

/** VPP leaves the client's index 0 where a reply has one. */
export const encodeReply = <A>(message: Message<A>, { context, id }: Head, value: A) =>
  encode(message, id, message.headedAsRequest === true ? [0, context] : [context], value)

/** Undefined: the message is too short. */
export const idOf = (bytes: Buffer): number | undefined => (bytes.length < 2 ? undefined : bytes.readUInt16BE(0))
export const contextOf = (bytes: Buffer, headedAsRequest: boolean): number | undefined => {
  const at = headedAsRequest ? 6 : 2
  return bytes.length < at + 4 ? undefined : bytes.readUInt32BE(at)
}

/** Decodes the fields after number and context. Bytes after the last field are of a newer VPP, and ignored. */
export const decodeReply = <A>(message: Message<A>, bytes: Buffer) =>
  decodeAt(message, bytes, message.headedAsRequest === true ? 10 : 6)

/** The first message: its header differs, and is part of its fields. */
export const encodeHello = <A>(message: Message<A>, id: number, value: A) => encode(message, id, [], value)

export const decodeHello = <A>(message: Message<A>, bytes: Buffer) => decodeAt(message, bytes, 2)

/** Decodes the fields after number, client index and context of a request. */
export const decodeRequest = <A>(message: Message<A>, bytes: Buffer) => decodeAt(message, bytes, 10)

const decodeAt = <A>(message: Message<A>, bytes: Buffer, at: number): Result.Result<A, CodecFault> =>
  guarded(message, () => message.fields.read({ bytes, at, field: "its head" }))
