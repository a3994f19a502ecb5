/** An announced length, and data without one: neither makes the plugin keep, or do, more than its limits allow. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as OvsdbMessages from "../../src/ovs/client/OvsdbMessages.ts"
import { messageLimit, splitter } from "../../src/vpp/client/Exchange.ts"
import { bridgeDomainDump } from "../../src/vpp/messages/BridgeDomain.ts"
import * as Control from "../../src/vpp/messages/Control.ts"
import { routeDump } from "../../src/vpp/messages/Ip.ts"
import * as Message from "../../src/vpp/messages/Message.ts"

/** Bytes of buffers that `run` keeps, or allocates meanwhile. */
const grown = (run: () => void): number => {
  const before = process.memoryUsage().arrayBuffers
  run()
  return process.memoryUsage().arrayBuffers - before
}

const header = (announced: number): Buffer => {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(announced, 8)
  return bytes
}

describe("a header of VPP's", () => {
  it.each([0, 1, messageLimit + 1, 0x7fffffff, 0xffffffff])(
    "that announces %d bytes is refused at once",
    (announced) => {
      const { push } = splitter()
      const grew = grown(() => {
        assert.deepStrictEqual(Result.getOrThrow(Result.flip(push(header(announced)))), {
          announced,
          limit: messageLimit
        })
      })
      assert.isBelow(grew, 1 << 20)
    }
  )

  it("that announces the maximum allocates nothing before the bytes come", () => {
    const { push } = splitter()
    assert.isBelow(
      grown(() => assert.deepStrictEqual(Result.getOrThrow(push(header(messageLimit))), [])),
      1 << 20
    )
  })
})

describe("a count in a message of VPP's", () => {
  it("that no message could hold is refused without allocating for it", () => {
    const bytes = Buffer.alloc(400, 0xff)
    const isRefused: ReadonlyArray<() => boolean> = [
      () => Result.isFailure(Message.decodeHello(Control.sockclntCreate.reply, bytes)),
      () => Result.isFailure(Message.decodeReply(routeDump.details, bytes)),
      () => Result.isFailure(Message.decodeReply(bridgeDomainDump.details, bytes)),
      () => {
        // The number of interfaces: the length for which an engine allocates an array.
        for (let at = 6; at + 4 < bytes.length; at++) {
          const some = Buffer.from(bytes)
          some.writeUInt32BE(0x01ffffff, at)
          if (!Result.isFailure(Message.decodeReply(bridgeDomainDump.details, some))) return false
        }
        return true
      }
    ]
    for (const refused of isRefused) {
      const before = process.memoryUsage().rss
      assert.isTrue(refused())
      assert.isBelow(process.memoryUsage().rss - before, 64 << 20)
    }
  })
})

describe("a stream that comes a byte at a time", () => {
  const length = 400_000

  it("costs OVSDB's splitter no more than its length, and is split", () => {
    const text = `{"a":"${"x".repeat(length)}"}`
    let state = OvsdbMessages.newSplitter(1 << 20)
    const found: Array<string> = []
    let most = 0
    for (const byte of Buffer.from(text)) {
      const split = Result.getOrThrow(OvsdbMessages.split(state, Buffer.of(byte)))
      state = split.splitter
      found.push(...split.texts)
      most = Math.max(most, state.begun.length)
    }
    assert.isBelow(most, 64)
    assert.deepStrictEqual(found, [text])
  })

  it("costs VPP's splitter no more than its length, and is split", () => {
    const { push } = splitter()
    const message = Buffer.alloc(length, 7)
    const found: Array<Buffer> = []
    for (const byte of Buffer.concat([header(length), message])) found.push(...Result.getOrThrow(push(Buffer.of(byte))))
    assert.isTrue(found.length === 1 && found[0]?.equals(message))
  })
})
