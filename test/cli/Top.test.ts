/** `userspace top` on a node in memory: rates as the pod sees them, on a terminal, in a pipe, and as JSON. */

import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Layer, Option, Queue, Schema, Terminal } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { TestClock, TestConsole } from "effect/testing"
import { commandLine } from "../../src/cli/CommandLine.ts"
import { Clear } from "../../src/cli/print/Printer.ts"
import "../../src/cli/commands/Top.ts"
import "../../src/ovs/OvsTraffic.ts"
import { portName } from "../../src/identity/Attachment.ts"
import { make, type Node } from "../dry-run/support/MemoryNode.ts"
import { add, removePort } from "./support/Attached.ts"
import { type as typed } from "./support/Terminal.ts"

const portOf = (containerId: string) => portName({ network: "net-a", containerId, ifName: "net1" })

const pod = (name: string) => ({ CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=prod;K8S_POD_NAME=${name}` })

/** Open vSwitch creates its socket, and does not count what passes it. */
const uncounted = ({ ovs }: Node, containerId: string) =>
  ovs.transact([
    {
      op: "mutate" as const,
      table: "Interface",
      where: [["name", "==", portOf(containerId)] as const],
      mutations: [
        ["status", "delete", ["set", ["mode"]]] as const,
        ["status", "insert", ["map", [["mode", "server"]]]] as const,
        ["statistics", "delete", ["set", ["rx_packets", "tx_packets"]]] as const
      ]
    }
  ])

/** ovs-vswitchd has written these; the switch's rx is the pod's tx. */
const write = ({ ovs }: Node, counters: Readonly<Record<string, Readonly<Record<string, number>>>>) =>
  ovs.transact(
    Object.entries(counters).map(([containerId, statistics]) => ({
      op: "mutate" as const,
      table: "Interface",
      where: [["name", "==", portOf(containerId)] as const],
      mutations: [
        ["statistics", "delete", ["set", Object.keys(statistics)]] as const,
        ["statistics", "insert", ["map", Object.entries(statistics)]] as const
      ]
    }))
  )

interface On {
  readonly columns?: number
  readonly rows?: number
  readonly canAnimate?: boolean
}

type Key = "q" | "x"

/** Prints what `steps` cause, one second apart. A step is a change of the node, or a key. */
const watched = Effect.fnUntraced(function* (
  node: Node,
  args: ReadonlyArray<string>,
  steps: ReadonlyArray<Effect.Effect<unknown, unknown> | Key>,
  { canAnimate = false, columns = 0, rows = 0 }: On = {}
) {
  const keys = yield* Queue.unbounded<Terminal.UserInput>()
  const terminal = Terminal.make({
    columns: Effect.succeed(columns),
    rows: Effect.succeed(rows),
    size: Effect.die("not read"),
    readInput: Effect.succeed(keys),
    readLine: Effect.die("not read"),
    display: () => Effect.die("not used")
  })
  // The command ends when it is set, and other tests of this process set it.
  process.exitCode = undefined
  return yield* Effect.gen(function* () {
    let ticks = 0
    const clock = yield* Clock.Clock
    /** The command sleeps for a second between two readings, and for nothing else. */
    const counted: Clock.Clock = {
      ...clock,
      sleep: (time) => {
        if (Duration.toMillis(time) === 1000) ticks++
        return clock.sleep(time)
      }
    }
    const fiber = yield* commandLine(["top", ...args], {}).pipe(
      Effect.provideService(Clock.Clock, counted),
      Effect.forkChild
    )
    const turn = Effect.promise(() => new Promise(setImmediate))
    const isEnded = Effect.sync(() => fiber.pollUnsafe() !== undefined)
    /** The reading is done. */
    const looked = (before: number) =>
      Effect.repeat(Effect.andThen(turn, isEnded), { until: (ended) => ended || ticks > before })
    yield* looked(0)
    for (const step of steps) {
      if (typeof step === "string") {
        const key = { name: step, ctrl: false, meta: false, shift: false }
        yield* Queue.offer(keys, { input: Option.some(step), key })
      } else yield* step
      const before = ticks
      yield* TestClock.adjust("1 second")
      yield* looked(before)
    }
    const ended = yield* isEnded
    yield* Fiber.interrupt(fiber)
    const status = process.exitCode
    process.exitCode = undefined
    const lines = (yield* TestConsole.logLines).map(String)
    return { ended, lines, status, errors: (yield* TestConsole.errorLines).map(String) }
  }).pipe(
    Effect.provideService(TerminalCapabilities.TerminalCapabilities, {
      canColor: false,
      canAnimate,
      canPrompt: canAnimate
    }),
    Effect.provideService(Clear, Effect.void),
    Effect.provide([
      Layer.fresh(TestConsole.layer),
      NodeServices.layer,
      Layer.succeed(Terminal.Terminal, terminal),
      node.edges
    ])
  )
})

const seconds = (count: number) => Array.from({ length: count }, () => Effect.void)

const busy = { rx_packets: 500, rx_bytes: 50_000, tx_packets: 50_000, tx_bytes: 5_000_000, tx_dropped: 25 }
const idle = { rx_packets: 0, rx_bytes: 0, tx_packets: 5, tx_bytes: 500 }

const two = Effect.fnUntraced(function* () {
  const node = make()
  yield* add(node, "c1", pod("idle"))
  yield* add(node, "c2", pod("busy"))
  yield* write(node, { c1: { tx_packets: 0 }, c2: { tx_packets: 0 } })
  return node
})

const cells = (table: string | undefined) => (table ?? "").split("\n").map((line) => line.trim().split(/ {2,}/))

const head = [
  ...["POD", "INTERFACE", "NETWORK", "CONNECTED"],
  ...["RX PACKETS/S", "RX BITS/S", "TX PACKETS/S", "TX BITS/S", "DROPS/S"]
]

const Document = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      time: Schema.String,
      interfaces: Schema.Array(
        Schema.Struct({
          pod: Schema.NullOr(Schema.String),
          connected: Schema.Boolean,
          receive: Schema.NullOr(Schema.Record(Schema.String, Schema.NullOr(Schema.Finite))),
          transmit: Schema.NullOr(Schema.Record(Schema.String, Schema.NullOr(Schema.Finite)))
        })
      ),
      problems: Schema.Array(Schema.Struct({ failed: Schema.String }))
    })
  )
)

describe("userspace top", () => {
  it.effect("--once prints one table, the busiest first, as the pods see it", () =>
    Effect.gen(function* () {
      const node = yield* two()
      const steps = [...seconds(3), write(node, { c1: idle, c2: busy }), ...seconds(2)]
      const { ended, lines } = yield* watched(node, ["--once"], steps)
      assert.isTrue(ended)
      assert.lengthOf(lines, 1)
      assert.deepStrictEqual(cells(lines[0]), [
        head,
        ["prod/busy", "net1", "net-a", "no", "10k", "8M", "100", "80k", "5"],
        ["prod/idle", "net1", "net-a", "no", "1", "800", "0", "0", "0"]
      ])
    })
  )

  it.effect("--once waits no longer than Open vSwitch must have written for, and is zero then", () =>
    Effect.gen(function* () {
      const { ended, lines } = yield* watched(yield* two(), ["--once", "--sort", "pod"], seconds(8))
      assert.isTrue(ended)
      assert.deepStrictEqual(cells(lines[0])[1], ["prod/busy", "net1", "net-a", "no", "0", "0", "0", "0", "0"])
    })
  )

  it.effect("has no rate of a port that Open vSwitch does not count, beside its drops", () =>
    Effect.gen(function* () {
      const node = yield* two()
      yield* uncounted(node, "c1")
      const drops = write(node, { c1: { ovs_tx_failure_drops: 10 }, c2: busy })
      const shown = (...args: ReadonlyArray<string>) =>
        watched(node, ["--once", ...args], [...seconds(3), drops, ...seconds(2)])
      const row = ["prod/idle", "net1", "net-a", "no", "-", "-", "-", "-", "2"]
      assert.deepStrictEqual(cells((yield* shown()).lines[0])[2], row)
      yield* write(node, { c1: { ovs_tx_failure_drops: 0 }, c2: { tx_packets: 0 } })
      const [, idle] = Document((yield* shown("--json")).lines[0]).interfaces
      assert.deepStrictEqual(idle?.receive, { packetsPerSecond: null, bitsPerSecond: null, dropsPerSecond: 2 })
    })
  )

  it.effect("prints a table for each reading where there is no terminal, without a code of one", () =>
    Effect.gen(function* () {
      const node = yield* two()
      const { ended, lines, status } = yield* watched(node, ["--every", "2s"], seconds(6))
      assert.isFalse(ended)
      assert.strictEqual(status, 0)
      assert.lengthOf(lines, 3)
      assert.notInclude(lines.join(""), "\x1b")
      assert.deepStrictEqual(cells(lines[0])[1]?.slice(4), ["-", "-", "-", "-", "-"])
    })
  )

  it.effect("selects by pod and by network", () =>
    Effect.gen(function* () {
      const node = yield* two()
      const podsOf = ({ lines }: { readonly lines: ReadonlyArray<string> }) =>
        Document(lines[0]).interfaces.map(({ pod }) => pod)
      const asked = (...args: ReadonlyArray<string>) => watched(node, ["--json", ...args], seconds(2))
      assert.deepStrictEqual(podsOf(yield* asked()), ["busy", "idle"])
      assert.deepStrictEqual(podsOf(yield* asked("--pod", "prod/idle")), ["idle"])
      assert.deepStrictEqual(podsOf(yield* asked("--pod", "other/idle")), [])
      assert.deepStrictEqual(podsOf(yield* asked("--network", "net-a")), ["busy", "idle"])
      assert.deepStrictEqual(podsOf(yield* asked("--network", "net-b")), [])
    })
  )

  it.effect("--json has null for what is not known yet, and numbers a second afterwards", () =>
    Effect.gen(function* () {
      const node = yield* two()
      const steps = [...seconds(2), write(node, { c2: busy }), removePort(node, portOf("c1"))]
      const { lines } = yield* watched(node, ["--json", "--every", "1s"], steps)
      const documents = lines.map((line) => Document(line))
      assert.deepStrictEqual(
        documents.map(({ interfaces }) => interfaces.map(({ pod }) => pod)),
        [["busy", "idle"], ["busy", "idle"], ["busy", "idle"], ["busy"]]
      )
      assert.isNull(documents[0]?.interfaces[0]?.receive)
      assert.deepStrictEqual(documents[2]?.interfaces[0]?.receive, {
        packetsPerSecond: 10_000,
        bitsPerSecond: 8_000_000,
        dropsPerSecond: 5
      })
      assert.deepStrictEqual(documents[2]?.interfaces[0]?.transmit, {
        packetsPerSecond: 100,
        bitsPerSecond: 80_000,
        dropsPerSecond: 0
      })
    })
  )

  it.effect("ends with q, and not with another key", () =>
    Effect.gen(function* () {
      const node = yield* two()
      const other = yield* watched(node, [], ["x", Effect.void], { canAnimate: true })
      assert.isFalse(other.ended)
      const { ended, lines } = yield* watched(node, [], ["q", Effect.void], { canAnimate: true })
      assert.isTrue(ended)
      assert.lengthOf(lines, 1)
    })
  )

  it.effect("is no wider and no higher than the terminal", () =>
    Effect.gen(function* () {
      const node = yield* two()
      yield* add(node, "c3", pod("a-name-that-is-much-longer-than-the-others-5d9c7b8f6-x2x4z"))
      const size = { canAnimate: true, columns: 100, rows: 4 }
      const { lines } = yield* watched(node, ["--sort", "pod"], [], size)
      const table = (lines[0] ?? "").split("\n")
      assert.deepStrictEqual(
        table.map((line) => line.split(/ {2,}/)[0]),
        ["POD", "prod/a-na~", "... and 2 more: --pod and --network select"]
      )
      assert.isTrue(table.every((line) => line.length <= 100))
    })
  )

  it.effect("says that a switch does not answer, once, and goes on", () =>
    Effect.gen(function* () {
      const node = yield* two()
      const away = Effect.sync(() => node.ovs.serve("refused"))
      const { ended, errors, lines } = yield* watched(node, ["--every", "1s"], [Effect.void, away, ...seconds(2)])
      assert.isFalse(ended)
      assert.lengthOf(lines, 4)
      assert.lengthOf(errors, 1)
      assert.match(errors[0] ?? "", /^userspace: Open vSwitch: read counters: .*ECONNREFUSED/)
    })
  )

  it.effect("refuses a time below one second", () =>
    Effect.gen(function* () {
      const { stderr, well } = yield* typed(make(), ["top", "--every", "100ms"])
      assert.isFalse(well)
      assert.match(stderr, /--every is less than a second\n {2}-> Give --every 1s or more/)
    })
  )
})
