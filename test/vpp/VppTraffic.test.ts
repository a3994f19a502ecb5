/** The stats segment, byte by byte: threads add up, what is large stays large, and what is none is never taken for one. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Busy, epochOf, readSegment, Unreadable } from "../../src/vpp/VppTraffic.ts"
import { combined, passed, type StatsInterface, segment, simple } from "./server/StatsSegment.ts"

const wanted = [...simple, ...combined]

const one: StatsInterface = {
  index: 3,
  name: "memif7/0",
  counted: {
    "/if/rx": [
      [5n, 300n],
      [7n, (1n << 40n) + 1n]
    ],
    "/if/rx-miss": [2n, 9n]
  }
}

const read = (bytes: Buffer) =>
  readSegment(passed(bytes), wanted, 7n, ({ combined, simple }) => ({
    packets: combined("/if/rx").packets(3),
    bytes: combined("/if/rx").bytes(3),
    other: combined("/if/rx").packets(1),
    missed: simple("/if/rx-miss")(3),
    beyond: simple("/if/rx-miss")(4000),
    absent: simple("/if/not-here")(3)
  }))

const failure = (bytes: Buffer) => Result.getOrUndefined(Result.flip(Result.try(() => read(bytes))))

describe("VPP's stats segment", () => {
  it("gives the sum of all threads, by index", () => {
    assert.deepStrictEqual(read(segment([{ index: 1, name: "local0" }, one], { threads: 2 })), {
      packets: 12,
      bytes: 2 ** 40 + 301,
      other: 0,
      missed: 11,
      beyond: 0,
      absent: 0
    })
  })

  it("is read without its entries of single interfaces, however many nodes VPP has", () => {
    assert.strictEqual(read(segment([one], { threads: 2, others: 5000 })).packets, 12)
  })

  it("is discarded when VPP changes it, before or meanwhile", () => {
    for (const layout of [{ changing: 1n }, { epoch: 6n }]) assert.instanceOf(failure(segment([one], layout)), Busy)
    assert.strictEqual(epochOf(passed(segment([one], { epoch: 6n }))), 6n)
    const [before, after] = [segment([one], { epoch: 7n }), segment([one], { epoch: 8n })]
    let looks = 0
    const file = {
      read: (at: number, into: Uint8Array) => passed(looks++ === 0 ? before : after).read(at, into)
    }
    assert.instanceOf(
      Result.getOrUndefined(Result.flip(Result.try(() => readSegment(file, wanted, 7n, () => 0)))),
      Busy
    )
  })

  it("is refused when it is of another version, or no segment", () => {
    for (const bytes of [
      segment([one], { version: 3n }),
      Buffer.alloc(0),
      Buffer.alloc(4096),
      Buffer.alloc(4096, 0xff)
    ]) {
      assert.instanceOf(failure(bytes), Unreadable)
    }
  })

  it("is refused when it is truncated anywhere, and never gives a number that is not there", () => {
    const whole = segment([one], { threads: 2, others: 2 })
    const right = JSON.stringify(read(whole))
    for (let size = 0; size < whole.length; size += 5) {
      const cut = Result.try(() => read(whole.subarray(0, size)))
      // The last entries of the directory are single interfaces', which nobody needs.
      if (Result.isSuccess(cut)) assert.strictEqual(JSON.stringify(cut.success), right)
      else assert.instanceOf(cut.failure, Unreadable)
    }
  })

  it("is refused with invalid pointers and lengths", () => {
    const whole = segment([one], { threads: 2, others: 2 })
    for (let at = 0; at + 8 <= whole.length; at += 8) {
      for (const wild of [0n, 1n, 0xffffffffffffffffn, 0x00ffffff00ffffffn]) {
        const bytes = Buffer.from(whole)
        bytes.writeBigUInt64LE(wild, at)
        const found = failure(bytes)
        if (found !== undefined) assert.isTrue(found instanceof Unreadable || found instanceof Busy, String(found))
      }
    }
  })
})
