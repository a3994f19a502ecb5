/**
 * The wire format of Protocol Buffers, for messages that are described by tables: proto3 with the field types that kubelet's
 * and KubeVirt's interfaces have. Unknown fields are skipped, absent ones have the default. Pure. Protocol Buffers
 * documentation, "Encoding".
 */

/** `map`: from string to string. */
export type FieldType = "string" | "bytes" | "bool" | "int" | "map" | Message

export interface Field {
  readonly number: number
  readonly type: FieldType
  readonly repeated?: true
}

export interface Message {
  readonly [name: string]: Field
}

type Single<T extends FieldType> = T extends "string"
  ? string
  : T extends "bytes"
    ? Uint8Array
    : T extends "bool"
      ? boolean
      : T extends "int"
        ? number
        : T extends "map"
          ? Readonly<Record<string, string>>
          : T extends Message
            ? Value<T>
            : never

/** A message as a value. A message that is not repeated may be undefined. */
export type Value<M extends Message> = {
  readonly [K in keyof M]: M[K] extends { readonly repeated: true }
    ? ReadonlyArray<Single<M[K]["type"]>>
    : M[K]["type"] extends Message
      ? Single<M[K]["type"]> | undefined
      : Single<M[K]["type"]>
}

/** Some fields of a message: the others have their default. */
export type Partly<M extends Message> = Partial<Value<M>>

const varint = 0
const fixed64 = 1
const delimited = 2
const fixed32 = 5

const varintOf = (value: number): Array<number> => {
  const bytes: Array<number> = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return [...bytes, Number(rest)]
}

const tagged = (number: number, wire: number, content: Uint8Array): Uint8Array =>
  Buffer.concat([
    Buffer.from(varintOf((number << 3) | wire)),
    ...(wire === delimited ? [Buffer.from(varintOf(content.length))] : []),
    content
  ])

const isMessage = (type: FieldType): type is Message => typeof type === "object"

const pair = { key: { number: 1, type: "string" }, value: { number: 2, type: "string" } } as const

const encodeOne = ({ number, type }: Field, value: unknown): Uint8Array => {
  if (isMessage(type)) return tagged(number, delimited, encode(type, Object(value)))
  switch (type) {
    case "map":
      return Buffer.concat(
        Object.entries(Object(value)).map(([key, one]) =>
          tagged(number, delimited, encode(pair, { key, value: String(one) }))
        )
      )
    case "bytes":
      return tagged(number, delimited, value instanceof Uint8Array ? value : new Uint8Array())
    case "string":
      return tagged(number, delimited, Buffer.from(String(value)))
    case "bool":
    case "int":
      return tagged(number, varint, Buffer.from(varintOf(Number(value))))
  }
}

const isDefault = (value: unknown): boolean => value === undefined || value === "" || value === false || value === 0

export const encode = <M extends Message>(message: M, value: Partly<M>): Buffer =>
  Buffer.concat(
    Object.entries(message).flatMap(([name, field]) => {
      const own: unknown = value[name]
      if (field.repeated === true) return Array.isArray(own) ? own.map((one: unknown) => encodeOne(field, one)) : []
      return isDefault(own) ? [] : [encodeOne(field, own)]
    })
  )

const defaultOf = ({ repeated, type }: Field): unknown => {
  if (repeated === true) return []
  if (isMessage(type)) return undefined
  return { string: "", bytes: new Uint8Array(), bool: false, int: 0, map: {} }[type]
}

/** `isSound` becomes false where the bytes are not a message. */
interface Cursor {
  readonly bytes: Uint8Array
  at: number
  isSound: boolean
}

const readVarint = (cursor: Cursor): bigint => {
  let value = 0n
  for (let shift = 0n; shift < 64n; shift += 7n) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined) break
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return value
  }
  cursor.isSound = false
  return 0n
}

const readBytes = (cursor: Cursor, length: number): Uint8Array => {
  const end = cursor.at + length
  if (end > cursor.bytes.length) cursor.isSound = false
  const bytes = cursor.bytes.subarray(cursor.at, end)
  cursor.at = end
  return bytes
}

const readWire = (cursor: Cursor, wire: number): bigint | Uint8Array => {
  if (wire === varint) return readVarint(cursor)
  if (wire === delimited) return readBytes(cursor, Number(readVarint(cursor)))
  if (wire === fixed64) return readBytes(cursor, 8)
  if (wire === fixed32) return readBytes(cursor, 4)
  cursor.isSound = false
  return 0n
}

/** Undefined: the field has another type. */
const valueIn = (type: FieldType, read: bigint | Uint8Array, cursor: Cursor): unknown => {
  if (typeof read === "bigint") {
    return type === "bool" ? read !== 0n : type === "int" ? Number(BigInt.asIntN(64, read)) : undefined
  }
  if (isMessage(type)) return decodeInto(type, read, cursor)
  if (type === "string") return Buffer.from(read).toString("utf8")
  if (type === "bytes") return Uint8Array.from(read)
  return type === "map" ? decodeInto(pair, read, cursor) : undefined
}

const decodeInto = (message: Message, bytes: Uint8Array, outer: Cursor): Record<string, unknown> => {
  const byNumber = new Map(Object.entries(message).map(([name, field]) => [field.number, [name, field] as const]))
  const into = Object.fromEntries(Object.entries(message).map(([name, field]) => [name, defaultOf(field)]))
  const cursor: Cursor = { bytes, at: 0, isSound: true }
  while (cursor.isSound && cursor.at < bytes.length) {
    const tag = Number(readVarint(cursor))
    const read = readWire(cursor, tag & 7)
    const [name, field] = byNumber.get(tag >>> 3) ?? []
    if (name === undefined || field === undefined) continue
    const value = valueIn(field.type, read, cursor)
    if (value === undefined) continue
    const before: unknown = into[name]
    if (field.type === "map") {
      const { key, value: one } = Object(value)
      into[name] = { ...Object(before), [key]: one }
    } else into[name] = Array.isArray(before) ? [...before, value] : value
  }
  if (!cursor.isSound) outer.isSound = false
  return into
}

/** Undefined: the bytes are not such a message. */
export const decode = <M extends Message>(message: M, bytes: Uint8Array): Value<M> | undefined => {
  const outer: Cursor = { bytes, at: 0, isSound: true }
  const value = decodeInto(message, bytes, outer)
  // The table made it: every field has the type that the table gives it.
  return outer.isSound ? (value as Value<M>) : undefined
}
