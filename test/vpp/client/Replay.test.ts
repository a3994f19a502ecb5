/**
 * Verifies the VPP in TypeScript against the recordings: the recorded client's requests, in the same order, get the
 * recorded replies, byte for byte except for parts that differ from run to run.
 */
import * as fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Sockets } from "../../../src/platform/Sockets.ts"
import { splitter } from "../../../src/vpp/client/Exchange.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { start } from "../server/VppServer.ts"
import { type Frame, recorded } from "../support/Captures.ts"
import { temporaryDirectory } from "../support/TestVpp.ts"

/** Not replied to by it: a time. */
const skipped = ["show_vpe_system_time", "show_vpe_system_time_reply"]

interface Turn {
  readonly sent: Array<Frame>
  readonly received: Array<Frame>
}

/** Requests, and the replies before the next one. */
const turns = (frames: ReadonlyArray<Frame>): ReadonlyArray<Turn> => {
  const all: Array<Turn> = []
  for (const frame of frames) {
    if (skipped.includes(frame.name)) continue
    const last = all.at(-1)
    if (frame.dir === "rx") last?.received.push(frame)
    else if (last !== undefined && last.received.length === 0) last.sent.push(frame)
    else all.push({ sent: [frame], received: [] })
  }
  return all
}

/** The meaningful length of a reply; the rest is a process id, a date, or garbage. */
const meaningful = (name: string, body: Buffer): number => {
  const refused = body.length >= 10 && body.readInt32BE(6) !== 0
  if (name === "sockclnt_create_reply") return 20
  if (name === "control_ping_reply") return 14
  if (name === "show_version_reply") return 74
  if (name === "ip_route_add_del_reply" || (refused && name.startsWith("memif_create"))) return 10
  return body.length
}

/** VPP's own choices of MAC address begin with 02:fe. */
const comparable = (name: string, body: Buffer) =>
  `${name} ${body
    .subarray(0, meaningful(name, body))
    .toString("hex")
    .replace(/02fe[0-9a-f]{8}/g, "02fe????????")}`

const nameOf = (frames: ReadonlyArray<Frame>, body: Buffer) =>
  frames.find(({ bytes }) => bytes.readUInt16BE(16) === body.readUInt16BE(0))?.name ?? `message ${body.readUInt16BE(0)}`

describe.each(["v26.06", "v23.02"] as const)("%s", (release) => {
  it.live("is answered as recorded", () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      fs.mkdirSync(`${root}/run/vpp/cap`, { recursive: true })
      const path = `${root}/api.sock`
      const server = yield* start({ path, root, release: release === "v26.06" ? "26.06" : "23.02" })
      const sockets = yield* Sockets
      const connection = yield* sockets.connect(path)
      const { push } = splitter()
      const bodies: Array<Buffer> = []
      const receive = (count: number) =>
        Effect.gen(function* () {
          while (bodies.length < count) {
            bodies.push(...Result.getOrThrow(push(yield* connection.read)))
          }
          return bodies.splice(0)
        })
      for (const { received, sent } of turns(recorded(release))) {
        const note = `${sent.map(({ name }) => name).join(", ")}: ${sent[0]?.note}`
        yield* connection.write(Buffer.concat(sent.map(({ bytes }) => bytes)))
        const answers = yield* receive(received.length).pipe(Effect.timeout("1 minute"), Effect.orDie)
        assert.sameMembers(
          answers.map((body) => comparable(nameOf(received, body), body)),
          received.map(({ bytes, name }) => comparable(name, bytes.subarray(16))),
          note
        )
      }
      assert.deepStrictEqual([server.polite, server.mistakes, server.broken], [1, [], undefined])
    }).pipe(Effect.provide(NodeSockets.layer), Effect.scoped)
  )
})
