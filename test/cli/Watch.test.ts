/** `userspace list --watch` on a node in memory: what comes, what goes, and nothing while nothing changes. */

import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { TestClock, TestConsole } from "effect/testing"
import { commandLine } from "../../src/cli/CommandLine.ts"
import { Clear } from "../../src/cli/print/Printer.ts"
import { portName } from "../../src/identity/Attachment.ts"
import { make, type Node } from "../dry-run/support/MemoryNode.ts"
import { add, removePort } from "./support/Attached.ts"

/** Prints what `steps` cause, seconds apart; a clearing of the terminal shows as a line. */
const watched = Effect.fnUntraced(function* (
  node: Node,
  args: ReadonlyArray<string>,
  canAnimate: boolean,
  steps: ReadonlyArray<Effect.Effect<unknown, unknown>>
) {
  // The command ends when it is set, and other tests of this process set it.
  process.exitCode = undefined
  return yield* Effect.gen(function* () {
    yield* add(node, "c0")
    const fiber = yield* Effect.forkChild(commandLine(["list", "--watch", ...args], {}))
    /** Until the switch has answered several looks, of which the last ones began after this. */
    const looked = Effect.suspend(() => {
      const enough = node.transactions.length + 12
      const second = Effect.andThen(TestClock.adjust("1 second"), TestClock.withLive(Effect.sleep("1 millis")))
      return Effect.repeat(second, { until: () => node.transactions.length >= enough })
    })
    yield* looked
    for (const step of steps) {
      yield* step
      yield* looked
    }
    yield* Fiber.interrupt(fiber)
    process.exitCode = undefined
    return (yield* TestConsole.logLines).map(String)
  }).pipe(
    Effect.provideService(TerminalCapabilities.TerminalCapabilities, { canColor: false, canAnimate, canPrompt: false }),
    Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, node.edges])
  )
})

const steps = (node: Node) => [
  add(node, "c1"),
  Effect.void,
  removePort(node, portName({ network: "net-a", containerId: "c1", ifName: "net1" }))
]

it.effect("a line for each change", () =>
  Effect.gen(function* () {
    const node = make()
    const lines = yield* watched(node, [], false, steps(node))
    const [other, port] = ["c0", "c1"].map((containerId) => portName({ network: "net-a", containerId, ifName: "net1" }))
    assert.deepStrictEqual(
      lines.map((line) => line.split("  ").slice(1)),
      [
        ["new", "net-a", "-", "c0", "net1", "ovs-dpdk", other, "disconnected"],
        ["new", "net-a", "-", "c1", "net1", "ovs-dpdk", port, "disconnected"],
        ["gone", "net-a", "-", "c1", "net1", "ovs-dpdk", port, "disconnected"],
        ["new", "net-a", "-", "c1", "net1", "ovs-dpdk", "-", "missing"]
      ]
    )
  })
)

const Document = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ attachments: Schema.Array(Schema.Struct({ state: Schema.String })) }))
)

it.effect("with --json a document for each change, the first at once", () =>
  Effect.gen(function* () {
    const node = make()
    const lines = yield* watched(node, ["--json"], true, steps(node))
    assert.deepStrictEqual(
      lines.map((line) => Document(line).attachments.map(({ state }) => state)),
      [["disconnected"], ["disconnected", "disconnected"], ["disconnected", "missing"]]
    )
  })
)

it.effect("a terminal is cleared before each table", () =>
  Effect.gen(function* () {
    const node = make()
    let cleared = 0
    const count = Effect.sync(() => void cleared++)
    const lines = yield* Effect.provideService(watched(node, [], true, steps(node)), Clear, count)
    assert.strictEqual(cleared, 3)
    assert.match(lines[0] ?? "", /c0 .*disconnected$/)
    assert.match(lines[1] ?? "", /c1 .*disconnected$/)
    assert.match(lines[2] ?? "", /missing$/)
  })
)
