/** The readers of the agent's answer in the process of a call, in TypeScript and in C, for pieces of any length. */
import { spawnSync } from "node:child_process"
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import * as Reply from "../../src/agent/client/Reply.ts"
import { directory, hasSanitizers, pure, repository, unless, withSanitizers } from "../client/support/Compiled.ts"

const head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const whole = `HTTP/1.1 100 Continue\r\n\r\n${head}${chunk('{"log":"ü"}\n{"log":"b')}${chunk('"}\n')}${chunk('{"status":0}\n')}0\r\n\r\n`
const expected: ReadonlyArray<Reply.Event> = [
  { is: "continue" },
  { is: "line", text: '{"log":"ü"}' },
  { is: "line", text: '{"log":"b"}' },
  { is: "line", text: '{"status":0}' },
  { is: "end" }
]

const ends = {
  "a refusal": "HTTP/1.1 409 Conflict\r\n\r\n",
  "another protocol": "220 mail.example\r\n\r\n",
  "an answer that is not in chunks": "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
  "a chunk without a length": `${head}zz\r\n`,
  "a chunk that is too long": `${head}ffffffff\r\n`,
  "a head that does not end": `HTTP/1.1 200 OK\r\nx: ${"x".repeat(70_000)}`,
  "an empty length": `${head}\r\n\r\n`
}

/** The events of a text that comes in pieces of this length; 0: in one. */
type Reader = (text: string, piece: number) => ReadonlyArray<Reply.Event>

const inTypeScript: Reader = (text, piece) => {
  const reader = Reply.make()
  const bytes = Buffer.from(text)
  const length = piece === 0 ? bytes.length : piece
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, n) =>
    reader.push(bytes.subarray(n * length, (n + 1) * length))
  ).flat()
}

const eventIn = (line: string): Reply.Event =>
  line.startsWith("line ") ? { is: "line", text: line.slice(5) } : { is: line === "continue" ? "continue" : "end" }

const inC =
  (program: string): Reader =>
  (text, piece) => {
    const { status, stderr, stdout } = spawnSync(program, [String(piece)], { input: text, encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
    return stdout.split("\n").slice(0, -1).map(eventIn)
  }

const readsAll = (read: Reader) => {
  assert.deepStrictEqual(read(whole, 0), expected)
  for (const piece of [1, 2, 7]) assert.deepStrictEqual(read(whole, piece), expected)
}

const endsAtOnce = (read: Reader, text: string) => {
  for (const piece of [0, 1000]) assert.deepStrictEqual(read(`${text}${whole}`, piece), [{ is: "end" }])
}

describe("the agent's answer, read in TypeScript", () => {
  it("is parsed the same in one piece and byte by byte", () => readsAll(inTypeScript))

  for (const [what, text] of Object.entries(ends)) it(`${what} ends it`, () => endsAtOnce(inTypeScript, text))

  it.prop("may be any bytes: parsing ends at the first unknown part", [Schema.Array(Schema.String)], ([pieces]) => {
    const reader = Reply.make()
    const events = [head, ...pieces].flatMap((piece) => reader.push(Buffer.from(piece)))
    assert.isAtMost(events.filter(({ is }) => is === "end").length, 1)
  })
})

class ReaderInC extends Context.Service<ReaderInC, Reader>()("userspace-cni/test/ReaderInC") {
  static readonly layer = Layer.effect(
    ReaderInC,
    Effect.gen(function* () {
      const program = `${yield* directory}/read-answer`
      if (hasSanitizers) yield* withSanitizers(program, `${repository}/test/client/read-answer.c`, ...pure)
      return inC(program)
    })
  )
}

layer(ReaderInC.layer, { excludeTestServices: true })(
  `the agent's answer, read in C${unless(hasSanitizers, "gcc with sanitizers")}`,
  (all) => {
    const test = all.effect.skipIf(!hasSanitizers)
    test("is parsed the same in one piece and byte by byte", () => Effect.map(ReaderInC, readsAll))

    for (const [what, text] of Object.entries(ends))
      test(`${what} ends it`, () => Effect.map(ReaderInC, (read) => endsAtOnce(read, text)))
  }
)
