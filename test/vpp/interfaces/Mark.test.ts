import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import { keyOf, shortDigest } from "../../../src/identity/Attachment.ts"
import {
  bridgeDomainOf,
  bridgeDomainTag,
  fromTag,
  markOf,
  policerName,
  policerOf,
  portName,
  portNumber,
  selects,
  toTag
} from "../../../src/vpp/interfaces/Mark.ts"

const attachment = {
  network: "userspace-net",
  containerId: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  ifName: "net1",
  netns: "",
  pod: undefined
}
const invocation = "6f1ab4e2-0c2b-4bd1-9d5c-2f0a5d0e7c11"

it("fits the 63 characters of a tag exactly", () => {
  const tag = toTag(markOf(attachment, invocation))
  assert.strictEqual(tag.length, 63)
  assert.match(tag, /^userspace\/1\/[a-z2-7]{20}\/6f1ab4e2\/[a-z2-7]{8}\/0123456789ab$/)
})

it.prop(
  "is read back whatever the names, and is never longer than a tag",
  [Schema.String, Schema.String, Schema.String, Schema.String],
  ([network, containerId, ifName, invocation]) => {
    for (const limited of [false, true]) {
      const mark = markOf({ ...attachment, network, containerId, ifName }, invocation, limited)
      assert.deepStrictEqual(fromTag(toTag(mark)), mark)
      assert.isAtMost(Buffer.byteLength(toTag(mark)), 63)
      const { container, key } = mark
      assert.deepStrictEqual(policerOf(policerName(mark, "output")), { key, network: mark.network, container })
      assert.isAtMost(Buffer.byteLength(policerName(mark, "output")), 63)
    }
    const mark = markOf({ ...attachment, network, containerId, ifName }, invocation)
    assert.strictEqual(mark.network, shortDigest(network))
  }
)

it("selects by attachment, and by ADD where one is given", () => {
  const tag = toTag(markOf(attachment, invocation))
  const key = keyOf(attachment)
  assert.isTrue(selects({ key, invocation: undefined }, tag))
  assert.isTrue(selects({ key, invocation }, tag))
  assert.isFalse(selects({ key, invocation: "7f1ab4e2-0c2b-4bd1-9d5c-2f0a5d0e7c11" }, tag))
  assert.isFalse(selects({ key: keyOf({ ...attachment, ifName: "net10" }), invocation: undefined }, tag))
})

it("of a bridge domain has its bridge and VLAN", () => {
  assert.deepStrictEqual(bridgeDomainOf(bridgeDomainTag(16777215)), { bridge: 16777215, vlan: undefined })
  assert.deepStrictEqual(bridgeDomainOf(bridgeDomainTag(4095, 4094)), { bridge: 4095, vlan: 4094 })
  for (const tag of [
    "",
    "somebody's",
    "userspace/1/bridge-domain",
    "userspace/1/bridge-domain/",
    "userspace/1/bridge-domain/4/vlan/",
    "userspace/2/bridge-domain/4"
  ])
    assert.isUndefined(bridgeDomainOf(tag))
})

it("ignores others' tags", () => {
  for (const tag of [
    "",
    "cni:net1",
    bridgeDomainTag(4),
    bridgeDomainTag(4, 7),
    "userspace/2/x/y/z/c",
    `x${toTag(markOf(attachment, "a"))}`
  ]) {
    assert.isUndefined(fromTag(tag))
    assert.isUndefined(policerOf(tag))
  }
})

it.prop("numbers ports where nobody does by hand, and without a sign in vppctl", [Schema.String], ([key]) => {
  for (const attempt of [0, 1, 2]) {
    const number = portNumber(key, attempt)
    assert.isAtLeast(number, 0x10000)
    assert.isBelow(number, 0x80000000)
  }
  assert.notStrictEqual(portNumber(key, 0), portNumber(key, 1))
})

it("has VPP's interface names", () => {
  assert.strictEqual(portName("memif", 70000), "memif70000/0")
  assert.strictEqual(portName("vhostuser", 70000), "VirtualEthernet0/0/70000")
})
