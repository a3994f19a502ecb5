/** A capture from its devices to its file, on Open vSwitch in memory: what is written, and each way in which it ends. */
import { execFileSync } from "node:child_process"
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type Counted, capture, devicesOf, type Wanted } from "../../../src/attachment/capture/Capture.ts"
import * as Sink from "../../../src/attachment/capture/Sink.ts"
import { type Attachment, portName } from "../../../src/identity/Attachment.ts"
import { make as mirrorsAt } from "../../../src/ovs/OvsMirrors.ts"
import { add, removePort } from "../../cli/support/Attached.ts"
import { database, make as makeNode } from "../../dry-run/support/MemoryNode.ts"
import { blocks, packets } from "./support/Blocks.ts"
import * as MemoryTaps from "./support/MemoryTaps.ts"

const attachment: Attachment = { network: "net-a", containerId: "c1", ifName: "net1", netns: "", pod: undefined }
const { inbound, outbound } = devicesOf(attachment)

const prepared = Effect.fnUntraced(function* (wanted: Partial<Wanted> & { readonly path?: string } = {}) {
  const node = makeNode()
  yield* add(node, "c1")
  node.files.put("/var/run/openvswitch/ovs-vswitchd.ctl", "socket")
  const before = node.ovs.dump()
  const taps = MemoryTaps.make(node.ovs.devices)
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(`${tmpdir()}/capture-`)),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const path = wanted.path ?? `${directory}/out.pcapng`
  const counted: Counted = { inbound: 0, outbound: 0, dropped: 0 }
  const began = yield* Deferred.make<string>()
  const run = Effect.scoped(
    Effect.gen(function* () {
      const sink = yield* Sink.open(path)
      const about = { application: "test", description: "a port", filter: undefined }
      const none = { attachment, about, filter: undefined, count: undefined, time: undefined, sink }
      const mirrors = yield* mirrorsAt(database)
      return yield* capture(mirrors, { ...none, began: (port) => Deferred.succeed(began, port), ...wanted }, counted)
    })
  ).pipe(Effect.provide(taps.layer), Effect.provide(node.edges))
  /** Nothing of it is left. */
  const isGone = () => assert.deepStrictEqual([node.ovs.dump(), [...taps.open]], [before, []])
  return { node, taps, counted, began, run, isGone, path, written: () => readFileSync(path) }
})

const frame = (byte: number) => new Uint8Array(60).fill(byte)

describe("a capture", () => {
  it.live(
    "writes both directions as the pod sees them, in the order of a question and its answer, and ends at a count",
    () =>
      Effect.gen(function* () {
        const { counted, isGone, run, taps, written } = yield* prepared({ count: 4 })
        taps.frames.set(outbound, [frame(1), frame(3), frame(5)])
        taps.frames.set(inbound, [frame(2), frame(4), frame(6)])
        taps.dropped = 3
        assert.strictEqual(yield* run, "count")
        assert.deepStrictEqual(
          packets(written()).map(({ direction, frame }) => [direction, frame.length, frame[0]]),
          [
            ["outbound", 60, 1],
            ["inbound", 60, 2],
            ["outbound", 60, 3],
            ["inbound", 60, 4]
          ]
        )
        const last = blocks(written()).at(-1)
        assert.deepStrictEqual(
          [last?.type, last?.options.get(4)?.readUInt8(0), last?.options.get(5)?.readUInt8(0)],
          [5, 4, 6]
        )
        assert.deepStrictEqual(counted, { inbound: 2, outbound: 2, dropped: 6 })
        // In the network namespace of whoever listens on ovs-vswitchd's control socket.
        assert.strictEqual(taps.pid, "/var/run/openvswitch/ovs-vswitchd.ctl".length)
        isGone()
      })
  )

  it.live("counts and writes only what the filter accepts", () =>
    Effect.gen(function* () {
      const { run, taps, written } = yield* prepared({ count: 2, filter: (packet) => packet[0] === 7 })
      taps.frames.set(inbound, [frame(1), frame(7), frame(2), frame(7)])
      yield* run
      assert.deepStrictEqual(
        packets(written()).map(({ frame }) => frame[0]),
        [7, 7]
      )
    })
  )

  it.live("ends after its time, with a file that is whole", () =>
    Effect.gen(function* () {
      const { isGone, run, written } = yield* prepared({ time: Duration.millis(30) })
      assert.strictEqual(yield* run, "time")
      assert.deepStrictEqual(
        blocks(written()).map(({ type }) => type),
        [0x0a0d0d0a, 1, 5]
      )
      isGone()
    })
  )

  it.live("ends when nobody reads its output any more", () =>
    Effect.gen(function* () {
      const { isGone, run, taps } = yield* prepared()
      taps.read = false
      assert.strictEqual(yield* run, "reader")
      isGone()
    })
  )

  it.effect("ends when its reader is there and reads nothing, and asks it for no more", () =>
    Effect.gen(function* () {
      const { began, counted, isGone, path, run, taps } = yield* prepared()
      execFileSync("mkfifo", [path])
      const reader = yield* Effect.acquireRelease(
        Effect.sync(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)),
        // Whoever writes is released.
        (descriptor) => Effect.sync(() => closeSync(descriptor))
      )
      assert.isAbove(reader, 0)
      const running = yield* Effect.forkChild(Effect.flip(run), { startImmediately: true })
      yield* Deferred.await(began)
      // More than a pipe takes.
      taps.frames.set(
        inbound,
        Array.from({ length: 4000 }, () => frame(1))
      )
      while (running.pollUnsafe() === undefined) {
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        if (counted.inbound > 0) yield* TestClock.adjust("1 second")
      }
      const error = yield* Fiber.join(running)
      assert.strictEqual("path" in error ? `${error.path} ${error.code}` : error, `${path} ETIMEDOUT`)
      isGone()
    })
  )

  it.live("ends when its port is removed", () =>
    Effect.gen(function* () {
      const { began, node, run, taps } = yield* prepared()
      const running = yield* Effect.forkChild(run)
      assert.strictEqual(yield* Deferred.await(began), portName(attachment))
      yield* removePort(node, portName(attachment))
      assert.strictEqual(yield* Fiber.join(running), "port")
      assert.deepStrictEqual([node.ovs.dump().filter((row) => /^(Port|Mirror)/.test(row)), [...taps.open]], [[], []])
    })
  )

  it.live("that is interrupted leaves a file that is whole, and nothing on the switch", () =>
    Effect.gen(function* () {
      const { began, counted, isGone, run, taps, written } = yield* prepared()
      const running = yield* Effect.forkChild(run)
      yield* Deferred.await(began)
      taps.frames.set(inbound, [frame(1)])
      yield* Effect.repeat(Effect.yieldNow, { until: () => counted.inbound === 1 })
      yield* Fiber.interrupt(running)
      assert.strictEqual(blocks(written()).at(-1)?.type, 5)
      isGone()
    })
  )

  it.live("that cannot write leaves nothing on the switch", () =>
    Effect.gen(function* () {
      const { isGone, run } = yield* prepared({ path: "/dev/full" })
      const error = yield* Effect.flip(run)
      assert.strictEqual("path" in error ? `${error.path} ${error.code}` : error, "/dev/full ENOSPC")
      isGone()
    })
  )

  it.live.each([
    ["EBUSY", 102, /port of net1 is being captured already$/, /^Wait until that capture has ended/],
    ["ENOENT", 5, /^cannot create tap device usc\S+: ENOENT$/, /modprobe tun/],
    ["EPERM", 5, /EPERM$/, /^Run this as root on the node/]
  ] as const)("without a tap device (%s) is refused, and the switch is not touched", ([refusal, code, failed, cure]) =>
    Effect.gen(function* () {
      const { isGone, run, taps } = yield* prepared()
      taps.refusal = refusal
      const error = yield* Effect.flip(run)
      assert.isTrue("failed" in error)
      if (!("failed" in error)) return
      assert.strictEqual(error.code, code)
      assert.match(error.failed, failed)
      assert.match(error.cure, cure)
      isGone()
    })
  )

  it.effect("renews its lease, and gives up when the switch has not answered for as long as it lasts", () =>
    Effect.gen(function* () {
      const { began, node, run } = yield* prepared()
      const running = yield* Effect.forkChild(Effect.exit(run), { startImmediately: true })
      yield* Deferred.await(began)
      const leases = new Set<string>()
      const look = Effect.sync(() => {
        for (const row of node.ovs.dump()) leases.add(/capture-expires","(\d+)/.exec(row)?.[1] ?? "")
      })
      for (let second = 0; second < 35; second++) yield* Effect.andThen(TestClock.adjust("1 second"), look)
      assert.isAbove(leases.size, 3)
      node.ovs.serve("refused")
      for (let second = 0; second < 60 && running.pollUnsafe() === undefined; second++) {
        yield* TestClock.adjust("1 second")
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      const exit = yield* Fiber.join(running)
      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(Exit.isFailure(exit) ? JSON.stringify(exit.cause) : ""), "ECONNREFUSED")
    })
  )
})
