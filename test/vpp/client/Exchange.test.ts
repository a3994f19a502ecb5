import { assert, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { frame, messageLimit, splitter } from "../../../src/vpp/client/Exchange.ts"
import { recorded } from "../support/Captures.ts"

const Messages = Schema.Array(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))))
const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })))

const feed = (bytes: Uint8Array, cuts: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const { push } = splitter()
    const received: Array<Buffer> = []
    let at = 0
    for (let n = 0; at < bytes.length; n++) {
      const size = cuts.length === 0 ? 1 : (cuts[n % cuts.length] ?? 1)
      received.push(...(yield* Effect.fromResult(push(bytes.subarray(at, at + size)))))
      at += size
    }
    return received
  })

it.effect.prop("splits the same messages wherever the bytes are cut", [Messages, Cuts], ([messages, cuts]) =>
  Effect.gen(function* () {
    const sent = messages.map((bytes) => Buffer.from([0, 1, ...bytes]))
    const received = yield* feed(Buffer.concat(sent.map(frame)), cuts)
    assert.deepStrictEqual(received, sent)
  })
)

it.effect("accepts a message longer than 64 KB byte by byte", () =>
  Effect.gen(function* () {
    const long = Buffer.alloc(70_000, 7)
    const received = yield* feed(Buffer.concat([frame(long), frame(Buffer.from("xx"))]), [])
    assert.deepStrictEqual(received, [long, Buffer.from("xx")])
  })
)

it("refuses a message that is too long as soon as it is announced", () => {
  const { push } = splitter()
  const header = Buffer.alloc(16)
  header.writeUInt32BE(messageLimit + 1, 8)
  const split = push(header)
  assert.deepStrictEqual(split, Result.fail({ announced: messageLimit + 1, limit: messageLimit }))
})

it("refuses a message too short for a number", () => {
  assert.isTrue(Result.isFailure(splitter().push(frame(Buffer.from([0])))))
})

it("refuses what is not the binary API", () => {
  assert.isTrue(Result.isFailure(splitter().push(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"))))
})

it.each(["v26.06", "v23.02"] as const)("frames as the recorded client of %s did", (release) => {
  for (const { bytes, dir } of recorded(release)) {
    if (dir === "tx") assert.deepStrictEqual(Buffer.from(frame(bytes.subarray(16))), bytes)
  }
})
