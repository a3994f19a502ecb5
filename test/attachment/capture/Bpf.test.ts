/** Programs as tcpdump 4.99 compiles them (`tcpdump -ddd`), on packets that they are for and on others. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { accepts, parse } from "../../../src/attachment/capture/Filter.ts"

const programOf = (numbers: string) => Result.getOrThrow(parse(numbers.replaceAll(", ", "\n")))

const frame = (...parts: ReadonlyArray<string>): Buffer =>
  Buffer.concat([Buffer.from(parts.join("").replaceAll(" ", ""), "hex"), Buffer.alloc(40)])

const addresses = "020000000002 020000000001"
/** Header of 20 bytes, but for what differs. */
const ip = (protocol: string, fragment = "0000", length = "0040") =>
  `0800 4500 ${length} 0000 ${fragment} 40 ${protocol} 0000 0a000001 0a000002`
const packets = {
  icmp: frame(addresses, ip("01"), "0800"),
  "tcp to 80": frame(addresses, ip("06"), "9999 0050"),
  "tcp from 80": frame(addresses, ip("06"), "0050 9999"),
  "tcp to 81": frame(addresses, ip("06"), "9999 0051"),
  "a later fragment": frame(addresses, ip("06", "0001"), "0050 0050"),
  "a tag of 7": frame(addresses, "8100 0007", ip("01")),
  "a tag of 8": frame(addresses, "8100 0008", ip("01")),
  "udp with data": frame(addresses, ip("11"), "0001"),
  "udp without": frame(addresses, ip("11", "0000", "0008"), "0001"),
  ip6: frame(addresses, "86dd 6000"),
  short: Buffer.from("0200", "hex")
}

const cases: ReadonlyArray<readonly [string, string, ReadonlyArray<keyof typeof packets>]> = [
  ["icmp", "6, 40 0 0 12, 21 0 3 2048, 48 0 0 23, 21 0 1 1, 6 0 0 262144, 6 0 0 0", ["icmp"]],
  [
    "tcp port 80",
    "20, 40 0 0 12, 21 0 6 34525, 48 0 0 20, 21 0 15 6, 40 0 0 54, 21 12 0 80, 40 0 0 56, 21 10 11 80, 21 0 10 2048, 48 0 0 23, 21 0 8 6, 40 0 0 20, 69 6 0 8191, 177 0 0 14, 72 0 0 14, 21 2 0 80, 72 0 0 16, 21 0 1 80, 6 0 0 262144, 6 0 0 0",
    ["tcp to 80", "tcp from 80"]
  ],
  [
    "vlan 7",
    "9, 40 0 0 12, 21 2 0 33024, 21 1 0 34984, 21 0 4 37120, 40 0 0 14, 84 0 0 4095, 21 0 1 7, 6 0 0 262144, 6 0 0 0",
    ["a tag of 7"]
  ],
  [
    "ip[6:2] & 0x1fff != 0",
    "6, 40 0 0 12, 21 0 3 2048, 40 0 0 20, 69 0 1 8191, 6 0 0 262144, 6 0 0 0",
    ["a later fragment"]
  ],
  [
    "udp and ip[2:2] - ((ip[0]&0xf)<<2) > 8",
    "15, 40 0 0 12, 21 0 12 2048, 48 0 0 23, 21 0 10 17, 40 0 0 16, 2 0 0 1, 48 0 0 14, 84 0 0 15, 100 0 0 2, 7 0 0 5, 96 0 0 1, 28 0 0 0, 37 0 1 8, 6 0 0 262144, 6 0 0 0",
    // 8 - 20 is no negative number: the machine has none.
    ["udp with data", "udp without"]
  ],
  ["ip6", "4, 40 0 0 12, 21 0 1 34525, 6 0 0 262144, 6 0 0 0", ["ip6"]],
  [
    "len > 76",
    "4, 128 0 0 0, 37 0 1 76, 6 0 0 262144, 6 0 0 0",
    ["tcp to 80", "tcp from 80", "tcp to 81", "a later fragment", "a tag of 7", "a tag of 8"]
  ],
  [
    "ether host 02:00:00:00:00:01, on none but the short one",
    "10, 32 0 0 8, 21 0 2 1, 40 0 0 6, 21 4 0 512, 32 0 0 2, 21 0 3 1, 40 0 0 0, 21 0 1 512, 6 0 0 262144, 6 0 0 0",
    [
      "icmp",
      "tcp to 80",
      "tcp from 80",
      "tcp to 81",
      "a later fragment",
      "a tag of 7",
      "a tag of 8",
      "udp with data",
      "udp without",
      "ip6"
    ]
  ]
]

describe("a packet filter", () => {
  it.each(cases)("%s", (_, numbers, wanted) => {
    const program = programOf(numbers)
    const taken = Object.entries(packets).flatMap(([name, packet]) => (accepts(program, packet) ? [name] : []))
    assert.deepStrictEqual(taken, [...wanted])
  })

  it.each([
    [
      "add, subtract, multiply, divide, modulo",
      ["0 0 0 7", "4 0 0 5", "20 0 0 2", "36 0 0 3", "52 0 0 4", "148 0 0 5"],
      2
    ],
    ["or, and, xor, shifts", ["0 0 0 12", "68 0 0 3", "84 0 0 14", "164 0 0 1", "100 0 0 4", "116 0 0 2"], 60],
    ["shifts that leave nothing", ["0 0 0 1", "100 0 0 32"], 0],
    ["negation", ["0 0 0 1", "132 0 0 0"], 0xffffffff],
    ["memory, X and A", ["1 0 0 5", "3 0 0 3", "135 0 0 0", "96 0 0 3", "12 0 0 0"], 10]
  ] as const)("calculates: %s", (_, lines, result) => {
    const equal = programOf([String(lines.length + 3), ...lines, `21 0 1 ${result}`, "6 0 0 1", "6 0 0 0"].join(", "))
    assert.isTrue(accepts(equal, packets.icmp))
  })

  it.each([
    ["division by nothing", ["1 0 0 0", "0 0 0 1", "60 0 0 0", "6 0 0 1"]],
    ["a byte behind the end", ["48 0 0 5000", "6 0 0 1"]]
  ] as const)("rejects a packet at %s", (_, lines) => {
    assert.isFalse(accepts(programOf([String(lines.length), ...lines].join(", ")), packets.icmp))
  })

  it.each([
    ["nothing", ""],
    ["words", "tcpdump: syntax error"],
    ["fewer than it says", "3, 6 0 0 1"],
    ["an instruction that is none", "1, 255 0 0 0"],
    ["a jump behind the end", "2, 21 0 9 1, 6 0 0 1"],
    ["a long jump behind the end", "2, 5 0 0 4294967295, 6 0 0 1"],
    ["no end", "1, 40 0 0 12"],
    ["a number that does not fit", "1, 6 0 0 4294967296"]
  ])("is none: %s", (_, numbers) => {
    assert.isTrue(Result.isFailure(parse(numbers.replaceAll(", ", "\n"))))
  })
})
