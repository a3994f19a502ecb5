/**
 * Describes messages on a connection in words that are the same in every call: the comment or the tables of a
 * transaction, the names of VPP's messages, the types of OpenFlow's. A write is a step with these words as its name.
 */
import { Result, Schema } from "effect"
import { Type } from "../../../src/ovs/client/OpenFlow.ts"
import * as Exchange from "../../../src/vpp/client/Exchange.ts"
import * as Control from "../../../src/vpp/messages/Control.ts"
import * as Message from "../../../src/vpp/messages/Message.ts"

interface Said {
  readonly text: string
  /** Whether it requests a change of the switch. */
  readonly changes: boolean
}

export interface Wire {
  /** VPP numbers its messages in its first reply. */
  readonly heard: (bytes: Uint8Array) => void
  readonly said: (bytes: Uint8Array) => Said
}

/** `path` is a socket's; its name identifies the peer. */
export const wire = (path: string): Wire => {
  if (path.endsWith(".mgmt")) return { heard: () => {}, said: openFlow }
  if (path.endsWith(".sock") && path.includes("api")) return vpp()
  return { heard: () => {}, said: json }
}

const Call = Schema.decodeUnknownResult(
  Schema.fromJsonString(
    Schema.Struct({ method: Schema.optionalKey(Schema.String), params: Schema.optionalKey(Schema.Array(Schema.Json)) })
  )
)

const Operation = Schema.decodeUnknownOption(
  Schema.Struct({
    op: Schema.String,
    table: Schema.optionalKey(Schema.String),
    comment: Schema.optionalKey(Schema.String)
  })
)

const json = (bytes: Uint8Array): Said => {
  const call = Call(Buffer.from(bytes).toString("utf8"))
  if (Result.isFailure(call)) return { text: "say something", changes: false }
  const { method = "answer", params = [] } = call.success
  const operations = params.flatMap((param) => {
    const operation = Operation(param)
    return operation._tag === "Some" ? [operation.value] : []
  })
  const changes = operations.some(({ op }) => op !== "select" && op !== "wait")
  const comment = operations.find((one) => one.comment !== undefined)?.comment
  const words = [...new Set(operations.map(({ op, table = "" }) => `${op} ${table}`))].join(", ")
  return { text: method === "transact" ? `OVSDB ${comment ?? words}` : `call ${method}`, changes }
}

const openFlow = (bytes: Uint8Array): Said => {
  const types: Array<number> = []
  const all = Buffer.from(bytes)
  for (let at = 0; at + 8 <= all.length; at += Math.max(8, all.readUInt16BE(at + 2))) types.push(all.readUInt8(at + 1))
  const names = types.map((type) => Object.entries(Type).find(([, number]) => number === type)?.[0] ?? `${type}`)
  return { text: `OpenFlow ${names.join(", ")}`, changes: types.includes(Type.FlowMod) }
}

/** Messages that only read. */
const looks = /(_dump|^control_ping|^show_version|^sockclnt_create|^sockclnt_delete)$/

const vpp = (): Wire => {
  const names = new Map([[Control.sockclntCreateId, "sockclnt_create"]])
  const answers = Exchange.splitter()
  const learn = (message: Buffer) => {
    if (Message.idOf(message) !== Control.sockclntCreateReplyId) return
    const hello = Result.getOrUndefined(Message.decodeHello(Control.sockclntCreate.reply, message))
    const rows = hello?.message_table ?? Buffer.alloc(0)
    for (let at = 0; at < rows.length; at += Control.tableRow) {
      const name = rows.toString("latin1", at + 2, at + Control.tableRow).replace(/\0.*$/s, "")
      names.set(rows.readUInt16BE(at), name.replace(/_[0-9a-f]{8}$/, ""))
    }
  }
  return {
    heard: (bytes) => {
      if (names.size > 1) return
      for (const message of Result.getOrElse(answers.push(bytes), () => [])) learn(message)
    },
    said: (bytes) => {
      const messages = Result.getOrElse(Exchange.splitter().push(bytes), () => [])
      const words = messages.map((message) => names.get(Message.idOf(message) ?? 0) ?? "?")
      return { text: `VPP ${words.join(", ")}`, changes: words.some((word) => !looks.test(word)) }
    }
  }
}
