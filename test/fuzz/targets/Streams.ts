/**
 * Bytes from the switches, at the edge: they mean the same wherever they are cut, refused ones are not kept, and an
 * announced length allocates nothing.
 */
import * as assert from "node:assert/strict"
import { Effect, Predicate, Result } from "effect"
import * as OvsdbMessages from "../../../src/ovs/client/OvsdbMessages.ts"
import { splitter } from "../../../src/vpp/client/Exchange.ts"
import { messageTable } from "../../../src/vpp/client/Session.ts"
import * as BridgeDomain from "../../../src/vpp/messages/BridgeDomain.ts"
import { catalogue } from "../../../src/vpp/messages/Catalogue.ts"
import * as Control from "../../../src/vpp/messages/Control.ts"
import * as Interface from "../../../src/vpp/messages/Interface.ts"
import * as Ip from "../../../src/vpp/messages/Ip.ts"
import * as Message from "../../../src/vpp/messages/Message.ts"
import * as Policer from "../../../src/vpp/messages/Policer.ts"
import * as Ports from "../../../src/vpp/messages/Ports.ts"
import { recorded } from "../../vpp/support/Captures.ts"
import type { Target } from "../support/Fuzz.ts"
import { cut, textsNear } from "../support/Inputs.ts"

const latin1 = (text: string) => Buffer.from(text, "latin1")

/** Several ways to cut: whole, byte by byte, in between. */
const ways: ReadonlyArray<ReadonlyArray<number>> = [[], [1], [2, 3, 5], [16, 1, 700]]

const texts = (bytes: Uint8Array, lengths: ReadonlyArray<number>) => {
  let state = OvsdbMessages.newSplitter(1 << 16)
  const found: Array<string> = []
  for (const chunk of cut(bytes, lengths)) {
    const split = OvsdbMessages.split(state, chunk)
    if (Result.isFailure(split)) return { found, failure: split.failure._tag }
    state = split.success.splitter
    found.push(...split.success.texts)
  }
  return { found, failure: undefined }
}

const ovsdb: Target = {
  name: "ovsdb-stream",
  inputs: textsNear(
    '{"id":0,"result":[{"rows":[{"name":"br-a","_uuid":["uuid","a"]}]},{"count":1}],"error":null}',
    '{"id":"echo","method":"echo","params":[]}\n{"id":1,"result":[],"error":{"error":"x","details":"y"}}',
    '[[[{"a":"\\"}{"}]]]'
  ),
  property: (input) =>
    Effect.sync(() => {
      const bytes = Buffer.from(input)
      const [whole, ...others] = ways.map((lengths) => texts(bytes, lengths))
      for (const other of others) {
        assert.equal(other.failure, whole?.failure)
        // A failure ends the stream: what was split before it depends on the cuts.
        if (whole?.failure === undefined) assert.deepEqual(other, whole)
      }
      assert.ok((whole?.found.join("").length ?? 0) <= input.length)
    }),
  runs: 65
}

const frames = recorded("v26.06")
  .filter(({ dir, bytes }) => dir === "rx" && bytes.length < 2000)
  .map(({ bytes }) => bytes.toString("latin1"))

const messagesIn = (bytes: Uint8Array, lengths: ReadonlyArray<number>) => {
  const { push } = splitter(1 << 16)
  const found: Array<string> = []
  for (const chunk of cut(bytes, lengths)) {
    const split = push(chunk)
    if (Result.isFailure(split)) return { found, failure: split.failure.announced }
    found.push(...split.success.map((message) => message.toString("hex")))
  }
  return { found, failure: undefined }
}

const framing: Target = {
  name: "vpp-frames",
  binary: true,
  inputs: textsNear(...frames.slice(0, 40), frames.slice(0, 8).join("")),
  property: (input) =>
    Effect.sync(() => {
      const bytes = latin1(input)
      const [whole, ...others] = ways.map((lengths) => messagesIn(bytes, lengths))
      for (const other of others) {
        assert.equal(other.failure, whole?.failure)
        if (whole?.failure === undefined) assert.deepEqual(other, whole)
      }
    }),
  runs: 50
}

const messages = [BridgeDomain, Control, Interface, Ip, Ports, Policer].flatMap((file) => Object.values<unknown>(file))

const isMessage = (value: unknown): value is Message.Message<unknown> =>
  Predicate.hasProperty(value, "crc") && Predicate.hasProperty(value, "fields")

/** VPP's reply to each request of the plugin. */
const understood = messages
  .flatMap((one) =>
    Predicate.hasProperty(one, "reply") ? one.reply : Predicate.hasProperty(one, "details") ? one.details : []
  )
  .filter(isMessage)
  .filter(({ name }) => name !== Control.sockclntCreate.reply.name)

/** Replies of the catalogue, except hello's. */
const catalogued = catalogue.filter(
  ({ name }) => /_(reply|details)$/.test(name) && name !== Control.sockclntCreate.reply.name
)

/** Decoded as any message: read or refused, and never larger than the input. */
const replies: Target = {
  name: "vpp-replies",
  binary: true,
  inputs: textsNear(...frames.map((frame) => frame.slice(16))),
  property: (input) =>
    Effect.sync(() => {
      const bytes = latin1(input)
      assert.deepEqual(new Set(understood.map(Message.nameCrc)), new Set(catalogued.map(Message.nameCrc)))
      for (const message of understood) {
        Result.match(Message.decodeReply(message, bytes), {
          onFailure: ({ detail }) => assert.ok(detail.length < 200, detail),
          onSuccess: (value) => assert.ok(JSON.stringify(value).length < 1000 + 40 * bytes.length)
        })
      }
      const hello = Message.decodeHello(Control.sockclntCreate.reply, bytes)
      if (Result.isFailure(hello)) return
      const table = messageTable(hello.success.message_table)
      for (const message of understood) assert.ok(table(message)._tag !== undefined)
    }),
  runs: 65
}

export const targets: ReadonlyArray<Target> = [ovsdb, framing, replies]
