/** The blocks of a capture file, byte by byte: draft-ietf-opsawg-pcapng, sections 3 and 4. */
import { assert, describe, it } from "@effect/vitest"
import * as PcapNg from "../../../src/attachment/capture/PcapNg.ts"
import { blocks } from "./support/Blocks.ts"

const hex = (text: string): string => text.replaceAll(/\s+/g, "")

describe("pcapng", () => {
  it("begins with a section and its one interface (4.1, 4.2)", () => {
    const bytes = PcapNg.header({ application: "cni", name: "net1", description: "d", filter: "icmp" })
    assert.strictEqual(
      bytes.toString("hex"),
      hex(`
        0a0d0d0a 28000000 4d3c2b1a 0100 0000 ffffffffffffffff  0400 0300 636e6900  0000 0000 28000000
        01000000 3c000000 0100 0000 00000000  0200 0400 6e657431  0300 0100 64000000  0900 0100 06000000
        0b00 0500 00 69636d70 000000  0000 0000 3c000000`)
    )
  })

  it("has no filter where there is none", () => {
    const [, described] = blocks(PcapNg.header({ application: "", name: "net1", description: "", filter: undefined }))
    assert.deepStrictEqual([...(described?.options.keys() ?? [])], [2, 3, 9])
  })

  it.each([
    ["inbound", 1],
    ["outbound", 2]
  ] as const)("marks a packet as %s, pads it, and splits its time (4.3)", (direction, flags) => {
    const bytes = PcapNg.packet({ direction, frame: Uint8Array.of(1, 2, 3, 4, 5), micros: 0x1_2345_6789n })
    assert.strictEqual(
      bytes.toString("hex"),
      hex(`06000000 34000000 00000000 01000000 89674523 05000000 05000000 0102030405 000000
        0200 0400 0${flags}000000  0000 0000 34000000`)
    )
  })

  it("ends with what was taken and what was lost (4.6)", () => {
    const bytes = PcapNg.statistics({ began: 1n, ended: 0x2_0000_0003n, received: 4, dropped: 5 })
    assert.strictEqual(
      bytes.toString("hex"),
      hex(`05000000 4c000000 00000000 02000000 03000000  0200 0800 00000000 01000000  0300 0800 02000000 03000000
        0400 0800 0400000000000000  0500 0800 0500000000000000  0000 0000 4c000000`)
    )
  })
})
