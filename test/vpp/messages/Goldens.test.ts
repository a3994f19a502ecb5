/**
 * The codec against recorded traffic, both ways: decoded values are those of an independent decoder, and encoding them
 * gives the same bytes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Result } from "effect"
import * as BridgeDomain from "../../../src/vpp/messages/BridgeDomain.ts"
import * as Control from "../../../src/vpp/messages/Control.ts"
import * as Interface from "../../../src/vpp/messages/Interface.ts"
import * as Ip from "../../../src/vpp/messages/Ip.ts"
import * as Message from "../../../src/vpp/messages/Message.ts"
import * as Ports from "../../../src/vpp/messages/Ports.ts"
import { interfaceEvent, wantEvents } from "../server/Events.ts"
import { type Frame, recorded } from "../support/Captures.ts"

/** Names of numbers in the decoder's form: `1:MEMIF_ROLE_API_SLAVE`. */
const words: Readonly<Record<string, ReadonlyArray<string>>> = { role: ["master", "slave"], mode: ["ethernet", "ip"] }

/** The independent decoder's values in our form. */
const normal = (name: string, value: unknown): unknown => {
  if (typeof value === "string") {
    const [, number] = /^(\d+):[A-Z0-9_|]+$/.exec(value) ?? []
    if (number !== undefined) return words[name]?.[Number(number)] ?? Number(number)
    return name === "address" ? Buffer.from(value, "hex") : value
  }
  if (Array.isArray(value)) return value.map((element) => normal(name, element))
  if (typeof value !== "object" || value === null) return value
  if ("address" in value && "len" in value) return toPrefix(value.address, value.len)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !counts.includes(key))
      .map(([key, inner]) => [key, normal(key, inner)])
  )
}

/** They are described with their elements. */
const counts = ["n_sw_ifs", "n_paths"]

const toPrefix = (address: unknown, length: unknown): string => {
  const { af, un } = Object(address)
  const bytes = Buffer.from(un, "hex")
  const text = String(af).startsWith("0")
    ? Array.from(bytes.subarray(0, 4)).join(".")
    : new URL(`http://[${bytes.toString("hex").replace(/(.{4})(?=.)/g, "$1:")}]`).hostname.slice(1, -1)
  return `${text}/${length}`
}

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, inner) => (inner?.type === "Buffer" ? Buffer.from(inner.data).toString("hex") : inner))
  )

type Check = (frame: Frame) => Effect.Effect<void, Message.CodecFault>

const same = <A>(
  message: Message.Message<A>,
  decode: (message: Message.Message<A>, bytes: Buffer) => Result.Result<A, Message.CodecFault>,
  headSize: number
): readonly [string, Check] => [
  message.name,
  Effect.fnUntraced(function* ({ bytes, crc, decoded }) {
    assert.strictEqual(message.crc, crc)
    const body = bytes.subarray(16)
    const value = yield* Effect.fromResult(decode(message, body))
    const { client_index: _, context: __, ...fields } = decoded
    const ownHead = message.name === "control_ping_reply" ? { client_index: decoded["client_index"] } : {}
    assert.deepStrictEqual(plain(value), plain(normal("", { ...ownHead, ...fields })))
    // The only recorded request that is refused here: VPP truncates a tag of 64 bytes.
    if (String(decoded["tag"] ?? "").length > 63) return
    const again = yield* Effect.fromResult(
      Message.encodeRequest(
        message,
        {
          id: body.readUInt16BE(0),
          client: headSize === 10 ? body.readUInt32BE(2) : undefined,
          context: body.readUInt32BE(headSize - 4)
        },
        value
      )
    )
    assert.strictEqual(Buffer.from(again).toString("hex"), body.toString("hex"))
  })
]

const request = <A, R>(message: Message.Request<A, R>) => [
  same(message, Message.decodeRequest, 10),
  same(message.reply, Message.decodeReply, 6)
]
const dump = <A, D>(message: Message.Dump<A, D>) => [
  same(message, Message.decodeRequest, 10),
  same(message.details, Message.decodeReply, 6)
]

const checks = new Map<string, Check>([
  same(Control.sockclntCreate, Message.decodeReply, 6),
  ...request(Control.sockclntDelete),
  ...request(Control.controlPing),
  ...request(Control.showVersion),
  ...request(Ports.socketFilenameAddDelV2),
  ...request(Ports.socketFilenameAddDel),
  ...dump(Ports.socketFilenameDump),
  ...request(Ports.createMemifV2),
  ...request(Ports.createMemif),
  ...request(Ports.removeMemif),
  ...request(Ports.createVhostUser),
  ...request(Ports.removeVhostUser),
  ...dump(Ports.memifDump),
  ...dump(Ports.vhostUserDump),
  ...dump(Interface.interfaceDump),
  ...request(Interface.setFlags),
  ...request(Interface.setHardwareMtu),
  ...request(Interface.setMtu),
  ...request(Interface.tagAddDel),
  ...request(Interface.addDelAddress),
  ...request(BridgeDomain.addDelV2),
  ...request(BridgeDomain.addDel),
  ...dump(BridgeDomain.bridgeDomainDump),
  ...request(BridgeDomain.setBridge),
  ...request(BridgeDomain.vlanTagRewrite),
  ...dump(Ip.addressDump),
  ...request(Ip.routeAddDel),
  // Only in the VPP in TypeScript: the plugin requests no events.
  ...request(wantEvents),
  same(interfaceEvent, Message.decodeReply, 6)
])

describe.each(["v26.06", "v23.02"] as const)("%s", (release) => {
  const frames = recorded(release)

  it.effect.each([...checks.keys()].filter((name) => frames.some((frame) => frame.name === name)))(
    "%s is read and written as recorded",
    (name) =>
      Effect.forEach(
        frames.filter((frame) => frame.name === name),
        (frame) => checks.get(name)?.(frame) ?? Effect.die(name)
      )
  )

  it("covers every message that we have and that was recorded", () => {
    const unread = new Set(frames.map(({ name }) => name).filter((name) => !checks.has(name)))
    assert.sameMembers([...unread], notOurs)
  })
})

it("every message of ours was recorded from one of them", () => {
  const everywhere = new Set(
    (["v26.06", "v23.02"] as const).flatMap((release) => recorded(release)).map(({ name }) => name)
  )
  assert.deepStrictEqual(
    [...checks.keys()].filter((name) => !everywhere.has(name)),
    []
  )
})

/** Recorded, but not used; `MessageTable.test.ts` has the reply to `sockclnt_create`. */
const notOurs = [
  "sockclnt_create_reply",
  "show_vpe_system_time",
  "show_vpe_system_time_reply",
  "sw_interface_set_mac_address",
  "sw_interface_set_mac_address_reply",
  "sw_interface_get_mac_address",
  "sw_interface_get_mac_address_reply",
  "sw_interface_set_rx_mode",
  "sw_interface_set_rx_mode_reply",
  "create_vlan_subif",
  "create_vlan_subif_reply",
  "delete_subif",
  "delete_subif_reply",
  "sw_interface_set_table",
  "sw_interface_set_table_reply",
  "sw_interface_get_table",
  "sw_interface_get_table_reply",
  "sw_interface_set_interface_name",
  "sw_interface_set_interface_name_reply"
]
