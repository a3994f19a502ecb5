import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { messageTable, type Wanted } from "../../../src/vpp/client/Session.ts"
import { MessageChanged, MessageMissing, PluginNotLoaded } from "../../../src/vpp/client/VppError.ts"
import { catalogue } from "../../../src/vpp/messages/Catalogue.ts"
import * as Control from "../../../src/vpp/messages/Control.ts"
import * as Message from "../../../src/vpp/messages/Message.ts"
import * as Ports from "../../../src/vpp/messages/Ports.ts"
import { messageNames, tableRows } from "../support/Captures.ts"

const releases = ["v26.06", "v23.02", "v21.10"] as const

const tableOf = (release: (typeof releases)[number], keep: (name: string) => boolean = () => true) =>
  messageTable(tableRows(new Map([...messageNames(release)].filter(([, name]) => keep(name)))))

/** Messages that a VPP with the plugins memif, vhost and ping lacks. */
const absent = {
  "v21.10":
    /^(memif_create_v2|memif_socket_filename_add_del_v2|bridge_domain_add_del_v2|policer_output|af_packet_create_v3)(_reply)?$/,
  "v23.02": /^(memif_create_v2|memif_socket_filename_add_del_v2)(_reply)?$/,
  "v26.06": /^policer_/
}

describe.each(releases)("%s", (release) => {
  it("has every message under VPP's number, except the newest", () => {
    const names = messageNames(release)
    const table = tableOf(release)
    for (const entry of catalogue) {
      const verdict = table(entry)
      if (verdict._tag === "Offered") assert.strictEqual(names.get(verdict.id), `${entry.name}_${entry.crc}`)
      else assert.match(entry.name, absent[release])
    }
  })
})

it("reports what is missing, and only that", () => {
  const table = tableOf("v21.10")
  assert.deepStrictEqual(table(Ports.createMemifV2), new MessageMissing({ name: "memif_create_v2" }))
  assert.strictEqual(table(Ports.createMemif)._tag, "Offered")
})

it("reports a message of the same name with another CRC", () => {
  const wanted: Wanted = { name: "memif_create", crc: "00000000", plugin: "memif" }
  const offered = "b1b25061"
  assert.deepStrictEqual(
    tableOf("v26.06")(wanted),
    new MessageChanged({ name: "memif_create", wanted: "00000000", offered })
  )
})

it("reports a plugin that is not loaded", () => {
  const table = tableOf("v26.06", (name) => !/vhost|^memif_/.test(name))
  assert.deepStrictEqual(table(Ports.createMemif), new PluginNotLoaded({ plugin: "memif", name: "memif_create" }))
  assert.deepStrictEqual(
    table(Ports.createVhostUser),
    new PluginNotLoaded({ plugin: "vhost", name: "create_vhost_user_if_v2" })
  )
  assert.strictEqual(table(Control.controlPing)._tag, "Offered")
})

it("matches whole names of whole rows only", () => {
  const rows = tableRows(
    new Map([
      [1, "xmemif_create_b1b25061"],
      [2, "memif_create_b1b2506"],
      [3, "memif_create_b1b25061x"]
    ])
  )
  assert.notStrictEqual(messageTable(rows)(Ports.createMemif)._tag, "Offered")
})

it("is read from VPP's reply, which exceeds 64 KB on a VPP with more plugins", () => {
  const names = new Map(
    Array.from({ length: 3000 }, (_, n) => [n, n === 2999 ? "control_ping_51077d14" : `filler_${n}_00000000`])
  )
  const hello = Result.getOrThrow(
    Message.encodeHello(Control.sockclntCreate.reply, 16, {
      client_index: 0,
      context: 1,
      response: 0,
      index: 0x80000001,
      message_table: tableRows(names)
    })
  )
  const { index, message_table } = Result.getOrThrow(
    Message.decodeHello(Control.sockclntCreate.reply, Buffer.from(hello))
  )
  assert.strictEqual(index, 0x80000001)
  assert.deepStrictEqual(messageTable(message_table)(Control.controlPing), { _tag: "Offered", id: 2999 })
})
