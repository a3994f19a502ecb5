/**
 * `--filter`: an expression of pcap-filter(7). tcpdump of the node compiles it, because libpcap is who knows that language,
 * and reads no packet: `Bpf.ts` runs what it compiled, on either switch alike.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Explained } from "../../cni/types/CniError.ts"
import { ErrorCodes } from "../../cni/types/CniError.ts"
import { oneLine } from "../../cni/types/Secrets.ts"
import { Processes } from "../../platform/Processes.ts"
import { accepts, parse } from "./Bpf.ts"

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
