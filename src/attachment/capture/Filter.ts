/**
 * `--filter`: an expression of pcap-filter(7). tcpdump of the node compiles it, because libpcap is who knows that
 * language, and reads no packet: what it compiled, a program of the classic BPF machine, is run here, on either switch
 * alike. A program that leaves the packet rejects it. "The BSD Packet Filter", McCanne and Jacobson, 1992; numbers of
 * linux/bpf_common.h.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ErrorCodes, type Explained } from "../../cni/types/CniError.ts"
import { oneLine } from "../../cni/types/Secrets.ts"
import { Processes } from "../../platform/Processes.ts"

export type Filter = (frame: Uint8Array) => boolean

/**
 * A pcapng file without packets: it tells that they are Ethernet frames. Each of its bytes is a character of ASCII, which
 * stdin has to be: a section of 20 bytes, its interface without a limit that matters.
 */
const empty = String.fromCharCode(
  ...[10, 13, 13, 10, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0],
  ...[1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 20, 0, 0, 0]
)

export const filter = Effect.fnUntraced(function* (
  expression: string,
  path: string
): Effect.fn.Return<Filter, Explained, Processes> {
  const { run } = yield* Processes
  const asked = yield* Effect.result(
    run({
      program: "tcpdump",
      // `--`: an expression is never an option.
      args: ["-ddd", "-r", "-", "--", expression],
      env: { PATH: path, LC_ALL: "C" },
      stdin: empty,
      limit: 1 << 20
    })
  )
  if (Result.isFailure(asked)) {
    return yield* Effect.fail({
      code: ErrorCodes.IoFailure,
      failed: `tcpdump, which compiles --filter, cannot be run: ${asked.failure.code}`,
      cure: "Install tcpdump on this node. Or capture without --filter, and filter what comes: `-w - | tcpdump -r - EXPR`."
    })
  }
  const { status, stderr, stdout } = asked.success
  const program = status === 0 ? parse(stdout) : Result.fail(oneLine(stderr.trim().split("\n").at(-1) ?? ""))
  if (Result.isFailure(program)) {
    return yield* Effect.fail({
      code: ErrorCodes.InvalidConfiguration,
      failed: `tcpdump does not understand --filter ${expression}: ${program.failure}`,
      cure: "Write it as for tcpdump: `icmp`, `host 10.0.0.2 and tcp port 80` (pcap-filter(7))."
    })
  }
  return (frame) => accepts(program.success, frame)
})

interface Instruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

type Program = ReadonlyArray<Instruction>

/** What `tcpdump -ddd` prints: how many there are, then four numbers a line. */
export const parse = (text: string): Result.Result<Program, string> => {
  const [count, ...lines] = text.trim().split("\n")
  const program = lines.map((line): Instruction => {
    const [code = Number.NaN, jt = Number.NaN, jf = Number.NaN, k = Number.NaN] = line.trim().split(/\s+/).map(Number)
    return { code, jt, jf, k }
  })
  const odd = program.find((one, at) => !isValid(one, at, program.length))
  if (program.length === 0 || Number(count) !== program.length) return Result.fail(`not a BPF program: ${text}`)
  return odd === undefined ? Result.succeed(program) : Result.fail(`unknown BPF instruction ${JSON.stringify(odd)}`)
}

/** Jumps lead forward, and to an instruction: every program ends. */
const isValid = ({ code, jf, jt, k }: Instruction, at: number, length: number): boolean => {
  if (![code, jt, jf, k].every((one) => Number.isInteger(one) && one >= 0 && one < 2 ** 32)) return false
  if (!known.has(code)) return false
  if ((code & 7) !== jump) return (code & 7) === ret || at + 1 < length
  return at + 1 + (code === 0x05 ? k : Math.max(jt, jf)) < length
}

const jump = 5
const ret = 6

/** Loads, stores, arithmetic, jumps, returns and moves. */
const known: ReadonlySet<number> = new Set([
  ...[0x00, 0x01, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x61, 0x80, 0x81, 0xb1, 0x02, 0x03],
  ...[0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84],
  ...[0x94, 0x9c, 0xa4, 0xac, 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16, 0x07, 0x87]
])

/** Big-endian, undefined outside of the packet. */
const load = (frame: Uint8Array, at: number, size: number): number | undefined => {
  if (at + size > frame.length) return undefined
  let value = 0
  for (let n = 0; n < size; n++) value = value * 256 + (frame[at + n] ?? 0)
  return value
}

const sizes: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1 }

const arithmetic = (operation: number, a: number, b: number): number | undefined => {
  switch (operation) {
    case 0x00:
      return a + b
    case 0x10:
      return a - b
    case 0x20:
      return Math.imul(a, b)
    case 0x30:
      return b === 0 ? undefined : Math.floor(a / b)
    case 0x40:
      return a | b
    case 0x50:
      return a & b
    case 0x60:
      return b > 31 ? 0 : a << b
    case 0x70:
      return b > 31 ? 0 : a >>> b
    case 0x80:
      return -a
    case 0x90:
      return b === 0 ? undefined : a % b
    default:
      return a ^ b
  }
}

const holds = (test: number, a: number, b: number): boolean =>
  test === 0x10 ? a === b : test === 0x20 ? a > b : test === 0x30 ? a >= b : (a & b) >>> 0 !== 0

export const accepts = (program: Program, frame: Uint8Array): boolean => {
  const memory = new Uint32Array(16)
  let a = 0
  let x = 0
  for (let at = 0; ; at++) {
    const one = program[at]
    if (one === undefined) return false
    const { code, jf, jt, k } = one
    const operand = (code & 0x08) === 0 ? k : x
    switch (code & 7) {
      case 0: {
        const size = sizes[code & 0x18] ?? 4
        const mode = code & 0xe0
        const value =
          mode === 0x00
            ? k
            : mode === 0x60
              ? memory[k & 15]
              : mode === 0x80
                ? frame.length
                : load(frame, mode === 0x40 ? x + k : k, size)
        if (value === undefined) return false
        a = value
        break
      }
      case 1: {
        const mode = code & 0xe0
        const low = mode === 0xa0 ? load(frame, k, 1) : 0
        if (low === undefined) return false
        x = mode === 0x00 ? k : mode === 0x60 ? (memory[k & 15] ?? 0) : mode === 0x80 ? frame.length : (low & 15) * 4
        break
      }
      case 2:
        memory[k & 15] = a
        break
      case 3:
        memory[k & 15] = x
        break
      case 4: {
        const value = arithmetic(code & 0xf0, a, operand)
        if (value === undefined) return false
        a = value >>> 0
        break
      }
      case jump:
        at += code === 0x05 ? k : holds(code & 0x70, a, operand) ? jt : jf
        break
      case ret:
        return (code === 0x16 ? a : k) !== 0
      default:
        if (code === 0x07) x = a
        else a = x
    }
  }
}
