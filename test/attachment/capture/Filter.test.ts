/** `--filter`, with a tcpdump that answers as the real one does. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { filter } from "../../../src/attachment/capture/Filter.ts"
import { type Ended, ProcessError, Processes, type Run } from "../../../src/platform/Processes.ts"

const answering = (answer: Ended | ProcessError, runs: Array<Run> = []) =>
  Layer.succeed(
    Processes,
    Processes.of({
      run: (run) => {
        runs.push(run)
        return answer instanceof ProcessError ? Effect.fail(answer) : Effect.succeed(answer)
      }
    })
  )

const icmp = "6\n40 0 0 12\n21 0 3 2048\n48 0 0 23\n21 0 1 1\n6 0 0 262144\n6 0 0 0\n"

describe("--filter", () => {
  it.effect("is compiled for Ethernet, and never an option of tcpdump", () => {
    const runs: Array<Run> = []
    return Effect.gen(function* () {
      const accepts = yield* filter("-w /etc/passwd", "/usr/bin")
      const frame = Buffer.alloc(60)
      frame.writeUInt16BE(0x0800, 12)
      frame[23] = 1
      assert.isTrue(accepts(frame))
      frame[23] = 6
      assert.isFalse(accepts(frame))
      const [run] = runs
      assert.deepStrictEqual(run?.args.slice(-2), ["--", "-w /etc/passwd"])
      // A section and an interface with link type 1, in characters of ASCII.
      const header = Buffer.from(run?.stdin ?? "")
      assert.deepStrictEqual([header.length, header.readUInt32LE(28), header.readUInt16LE(36)], [48, 1, 1])
      assert.isTrue(header.every((byte) => byte < 0x80))
    }).pipe(Effect.provide(answering({ status: 0, stdout: icmp, stderr: "" }, runs)))
  })

  it.effect.each([
    [
      "no tcpdump",
      new ProcessError({ program: "tcpdump", code: "ENOENT" }),
      /cannot be run: ENOENT/,
      /^Install tcpdump on this node/
    ],
    [
      "an expression that is none",
      { status: 1, stdout: "", stderr: "reading from file -\ntcpdump: can't parse filter expression: syntax error\n" },
      /does not understand --filter icmp port: tcpdump: can't parse filter expression: syntax error$/,
      /pcap-filter\(7\)/
    ],
    ["a program that is none", { status: 0, stdout: "?", stderr: "" }, /not a BPF program/, /pcap-filter\(7\)/]
  ] as const)("%s: says so, and what to do", ([, answer, failed, cure]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(filter("icmp port", "/usr/bin"))
      assert.match(error.failed, failed)
      assert.match(error.cure, cure)
    }).pipe(Effect.provide(answering(answer)))
  )
})
