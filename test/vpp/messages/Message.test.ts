import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as BridgeDomain from "../../../src/vpp/messages/BridgeDomain.ts"
import * as Interface from "../../../src/vpp/messages/Interface.ts"
import * as Message from "../../../src/vpp/messages/Message.ts"
import * as Ports from "../../../src/vpp/messages/Ports.ts"

const head = { id: 7, client: 1, context: 2 }
const u32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
const Name = Schema.String.check(
  Schema.makeFilter((text) => !text.includes("\0") && Buffer.byteLength(text) < 64 && text.isWellFormed())
)

const tag = (tag: string) => Message.encodeRequest(Interface.tagAddDel, head, { is_add: true, sw_if_index: 1, tag })

const detail = (result: Result.Result<unknown, Message.CodecFault>) =>
  Result.isFailure(result) ? result.failure.detail : "no failure"

it.prop("reads what it wrote", [u32, Name, Schema.Boolean], ([index, text, flag]) => {
  const values = { sw_if_index: index, name_filter_valid: flag, name_filter: text }
  const bytes = Result.getOrThrow(Message.encodeRequest(Interface.interfaceDump, head, values))
  assert.deepStrictEqual(Message.decodeRequest(Interface.interfaceDump, Buffer.from(bytes)), Result.succeed(values))
})

it.prop("reads any bytes without a defect", [Schema.Uint8Array], ([bytes]) => {
  const result = Message.decodeReply(BridgeDomain.bridgeDomainDump.details, Buffer.from(bytes))
  assert.isTrue(Result.isResult(result))
})

it.prop("reports every truncation of a message", [u32], ([seed]) => {
  const value = { socket_id: 5, socket_filename: "/run/x.sock" }
  const whole = Result.getOrThrow(Message.encodeReply(Ports.socketFilenameDump.details, head, value))
  const cut = Buffer.from(whole.subarray(0, seed % whole.length))
  assert.match(detail(Message.decodeReply(Ports.socketFilenameDump.details, cut)), /^ends inside/)
})

it("reads a reply that is headed as a request", () => {
  // Number, index of the client, context; index 5, queue 1, thread 2, mode 3.
  const raw = Buffer.from("00bc 00000000 00000002 00000005 00000001 00000002 00000003".replaceAll(" ", ""), "hex")
  const { details } = Interface.rxPlacementDump
  const value = { sw_if_index: 5, queue_id: 1, worker_id: 2, mode: 3 }
  assert.deepStrictEqual(Message.decodeReply(details, raw), Result.succeed(value))
  assert.strictEqual(Message.contextOf(raw, true), 2)
  const again = Result.getOrThrow(Message.encodeReply(details, { id: 0xbc, context: 2 }, value))
  assert.strictEqual(Buffer.from(again).toString("hex"), raw.toString("hex"))
})

it("ignores fields that a newer VPP appends", () => {
  const bytes = Result.getOrThrow(Message.encodeReply(Interface.setFlags.reply, head, { retval: -2 }))
  const longer = Buffer.concat([bytes, Buffer.from("more")])
  assert.deepStrictEqual(Message.decodeReply(Interface.setFlags.reply, longer), Result.succeed({ retval: -2 }))
})

describe("refuses to write", () => {
  it("text that is too long for its field", () => {
    assert.isTrue(Result.isSuccess(tag("x".repeat(63))))
    assert.strictEqual(detail(tag("x".repeat(64))), "tag has 64 bytes, of which 63 fit")
    assert.strictEqual(detail(tag("é".repeat(32))), "tag has 64 bytes, of which 63 fit")
  })

  it("text with a NUL", () => {
    assert.strictEqual(detail(tag("a\0b")), "tag has a NUL in it")
  })

  it("a number that does not fit", () => {
    const wrong = { sw_if_index: 1, mtu: 65536 }
    assert.match(detail(Message.encodeRequest(Interface.setHardwareMtu, head, wrong)), /mtu is 65536, not 0 to 65535/)
  })

  it("an invalid prefix", () => {
    for (const prefix of ["10.0.0.1", "10.0.0.1/33", "fd00::1/129", "10.0.0/8", "/24", "x/1"]) {
      const values = { sw_if_index: 1, is_add: true, del_all: false, prefix }
      assert.match(detail(Message.encodeRequest(Interface.addDelAddress, head, values)), /is not an address/)
    }
  })
})

it("any memif mode but ethernet and ip, on which VPP crashes", () => {
  const bytes = Result.getOrThrow(
    Message.encodeRequest(Ports.createMemif, head, {
      role: "master",
      mode: "ip",
      rx_queues: 0,
      tx_queues: 0,
      id: 0,
      socket_id: 1,
      ring_size: 0,
      buffer_size: 0,
      no_zero_copy: false,
      hw_addr: "00:00:00:00:00:00",
      secret: ""
    })
  )
  const other = Buffer.from(bytes)
  other.writeUInt32BE(2, 14)
  assert.strictEqual(detail(Message.decodeRequest(Ports.createMemif, other)), "mode is 2")
})
