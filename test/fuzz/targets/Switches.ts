/** Whole conversations with a switch whose answers are wrong: they end in time, with a documented error or success. */
import * as assert from "node:assert/strict"
import * as Fs from "node:fs"
import { Cause, Duration, Effect, Exit, Layer, Logger } from "effect"
import { OvsDeadlines } from "../../../src/ovs/client/JsonRpc.ts"
import { OvsClient } from "../../../src/ovs/client/OvsClient.ts"
import * as OvsVswitch from "../../../src/ovs/OvsVswitch.ts"
import type { Edges } from "../../../src/platform/Edges.ts"
import { type Connection, SocketError, Sockets } from "../../../src/platform/Sockets.ts"
import { VppDeadlines } from "../../../src/vpp/client/Session.ts"
import type { Node } from "../../dry-run/support/MemoryNode.ts"
import { session } from "../../ovs/support/Session.ts"
import * as FilesMemory from "../../platform/support/FilesMemory.ts"
import * as MemoryVpp from "../../vpp/support/MemoryVpp.ts"
import type { Target } from "../support/Fuzz.ts"
import { textsNear } from "../support/Inputs.ts"
import { call, directoriesOf, network, recordPath, state, watchedNode, within } from "../support/Watched.ts"

const fixture = (name: string) =>
  Fs.readFileSync(new URL(`../../ovs/fixtures/${name}`, import.meta.url), "utf8")
    .trimEnd()
    .split("\n")
    .filter((line) => line.includes('"dir":"receive"'))
    .map((line) => JSON.stringify(JSON.parse(line).msg))

const deadlines = {
  connect: Duration.millis(50),
  reply: Duration.millis(20),
  apply: Duration.millis(20),
  withdraw: Duration.millis(50)
}

/** The nth write is answered with the nth line; after the last one the connection is closed. */
const saying = (lines: ReadonlyArray<string>) => {
  let said = 0
  let wake: (() => void) | undefined
  const ready: Array<Uint8Array> = []
  const connection: Connection = {
    write: () =>
      Effect.sync(() => {
        const line = lines[said++]
        if (line !== undefined && line !== "") ready.push(Buffer.from(line))
        wake?.()
      }),
    read: Effect.callback((resume) => {
      const look = () => {
        const bytes = ready.shift()
        if (bytes !== undefined) return resume(Effect.succeed(bytes))
        if (said > lines.length) {
          return resume(Effect.fail(new SocketError({ path: "/db.sock", code: "Closed", operation: "read" })))
        }
        wake = look
      }
      look()
    })
  }
  return Layer.succeed(Sockets, Sockets.of({ connect: () => Effect.succeed(connection) }))
}

const endedWell = (exit: Exit.Exit<unknown, unknown>) =>
  assert.ok(Exit.isSuccess(exit) || !Cause.hasDies(exit.cause), Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "")

/** One line for each reply: of a plug, an inspection, a list, an unplug. The peer has no state that could be left. */
const ovsdb: Target = {
  name: "ovsdb-replies",
  inputs: textsNear(
    fixture("session.jsonl").join("\n"),
    fixture("errors.jsonl").join("\n"),
    fixture("dpdk-off.jsonl").join("\n")
  ),
  property: (input) =>
    Effect.gen(function* () {
      const lines = input.split("\n")
      for (let from = 0; from < lines.length; from += 4) {
        const files = new FilesMemory.MemoryFiles(["/var/lib/vhost/0123456789ab"])
        const before = files.dump()
        const exit = yield* session.pipe(
          Effect.provide(OvsVswitch.layer()),
          Effect.provide(OvsClient.layer("/db.sock")),
          Effect.provide(Layer.merge(FilesMemory.layer(files), saying(lines.slice(from)))),
          Effect.provideService(OvsDeadlines, deadlines),
          Effect.provide(Logger.layer([])),
          Effect.exit
        )
        assert.deepEqual(files.dump(), before)
        // `session` expects its second plug to fail: its success is no defect of the plugin.
        if (Exit.isFailure(exit) && JSON.stringify(Cause.pretty(exit.cause)).includes("Expected a failure")) continue
        endedWell(exit)
      }
    }),
  runs: 15
}

/** Each line: the changed chunk of the switch's, the position in it, and the bytes; `-` cuts it off there. */
const meddling = (real: Sockets["Service"], input: string) => {
  const edits = input.split("\n").map((line) => /^(\d{1,4}) (\d{1,6}) ([0-9a-f]*|-)$/.exec(line))
  let chunk = 0
  return Sockets.of({
    connect: (path) =>
      Effect.map(real.connect(path), (connection) => ({
        ...connection,
        read: Effect.map(connection.read, (bytes) => {
          const nth = chunk++
          return edits.reduce<Uint8Array>((all, edit) => {
            const [, which, at = "0", what = ""] = edit ?? []
            if (which === undefined || Number(which) % 16 !== nth % 16 || all.length < 2) return all
            const start = Number(at) % all.length
            if (what === "-") return all.subarray(0, Math.max(1, start))
            const changed = Buffer.from(all)
            Buffer.from(what.slice(0, what.length & ~1), "hex").copy(changed, start)
            return changed
          }, bytes)
        })
      }))
  })
}

/** Deadlines that a test can wait for. */
const hurried = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  self.pipe(
    Effect.provideService(OvsDeadlines, deadlines),
    Effect.provideService(VppDeadlines, { turn: 200, answer: 50, goodbye: 20 })
  )

/**
 * ADD, CHECK and DEL with a corrupted switch, and a DEL with a correct one. A failed ADD has a record of what it could
 * not roll back. `left`: of the switch, and all else.
 */
const misheard = Effect.fnUntraced(function* (
  node: Node,
  edges: Layer.Layer<Edges>,
  text: string,
  input: string,
  left: () => ReadonlyArray<unknown>
) {
  const sockets = Layer.effect(
    Sockets,
    Effect.map(Sockets, (real) => meddling(real, input))
  )
  const meddled = Layer.merge(edges, Layer.provide(sockets, edges))
  const directories = directoriesOf(text)
  const before = left()
  for (const verb of ["ADD", "CHECK", "DEL"] as const) {
    const exit = yield* within(node, directories, hurried(call(node, verb, text, {}, meddled)))
    if (verb === "ADD" && Exit.isFailure(exit) && node.files.get(recordPath) === undefined) {
      assert.deepEqual(left(), before)
    }
  }
  assert.ok(Exit.isSuccess(yield* hurried(call(node, "DEL", text, {}, edges))))
  assert.deepEqual(left(), before)
})

const ovsdbConversation: Target = {
  name: "ovsdb-conversation",
  inputs: textsNear("0 8 22", "1 30 5b5d", "2 10 -", "3 60 7d\n4 0 5d", "5 100 2d31"),
  property: (input) =>
    Effect.suspend(() => {
      const node = watchedNode()
      return misheard(node, node.edges, JSON.stringify(network), input, () => state(node))
    }),
  runs: 15
}

const vppConversation: Target = {
  name: "vpp-conversation",
  inputs: textsNear("0 8 ffffffff", "1 6 ffffffff", "2 10 7fffffff\n3 0 0000", "4 20 -", "5 6 00000001\n6 2 00"),
  property: (input) =>
    Effect.gen(function* () {
      const node = watchedNode()
      const vpp = MemoryVpp.make("/run/vpp/api.sock", node.files)
      const edges = Layer.merge(node.edges, Layer.succeed(Sockets, Sockets.of({ connect: () => vpp.connect })))
      const text = JSON.stringify({
        cniVersion: "1.0.0",
        name: "net",
        sharedDir: "/run/userspace",
        host: { engine: "vpp", iftype: "memif", netType: "bridge", bridge: { bridgeName: "4" } }
      })
      yield* misheard(node, edges, text, input, () => [...state(node), ...vpp.dump()])
      assert.ok(vpp.server.broken === undefined, `VPP ${vpp.server.broken}`)
    }),
  runs: 20
}

export const targets: ReadonlyArray<Target> = [ovsdb, ovsdbConversation, vppConversation]
