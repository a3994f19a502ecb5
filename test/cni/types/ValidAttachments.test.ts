/** GC's list: what is not in it is removed, so anything unclear is refused. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readValidAttachments } from "../../../src/cni/types/ValidAttachments.ts"

const now = "cni.dev/valid-attachments"
const before = "cni.dev/attachments"

const one = { containerID: "0958c8871b32cafe", ifname: "net1" }
const two = { containerID: "a", ifname: "net2" }
const read = ({ containerID, ifname }: typeof one) => ({ containerId: containerID, ifName: ifname })

const valid = (configuration: Readonly<Record<string, unknown>>) =>
  Result.getOrThrow(readValidAttachments(configuration))
const refused = (configuration: Readonly<Record<string, unknown>>) =>
  Result.getOrThrow(Result.flip(readValidAttachments(configuration)))

describe("the list of valid attachments", () => {
  it.each([now, before])("is found as %s", (key) => {
    assert.deepStrictEqual(valid({ [key]: [one, two] }), [read(one), read(two)])
    assert.deepStrictEqual(valid({ [key]: [] }), [])
  })

  it("may have more fields than needed", () => {
    assert.deepStrictEqual(valid({ [now]: [{ ...one, netns: "/n" }] }), [read(one)])
  })

  it("that is empty is null in Go", () => {
    assert.deepStrictEqual(valid({ [now]: null }), [])
    assert.deepStrictEqual(valid({ [now]: null, [before]: null }), [])
  })

  it("under both keys is the union of both", () => {
    const all = valid({ [now]: [one], [before]: [one, two] })
    for (const entry of [one, two]) assert.deepInclude(all, read(entry))
    assert.deepStrictEqual(valid({ [now]: [one], [before]: null }), [read(one)])
  })
})

describe("nothing is removed", () => {
  it("without a list", () => {
    const { code, details, msg } = refused({ name: "n" })
    assert.strictEqual(code, 7)
    assert.include(msg, now)
    assert.include(details, "Nothing was removed")
  })

  it.each<[string, unknown, string]>([
    ["a list that is none", {}, `${now}: {} is not a list`],
    ["text", "[]", `${now}: "[]" is not a list`],
    ["an entry that is none", [one, "net1"], `${now}[1]: "net1" is not an object`],
    ["null as an entry", [null], `${now}[0]: null is not an object`],
    ["an entry without an id", [{ ifname: "net1" }], `${now}[0].containerID: is missing`],
    ["an empty id", [{ containerID: "", ifname: "net1" }], `${now}[0].containerID: "" is not a container id`],
    ["an id of another case", [{ containerId: "a", ifname: "net1" }], `${now}[0].containerID: is missing`],
    ["an id that is a path", [{ containerID: "../a", ifname: "net1" }], `is not a container id`],
    ["an entry without an interface", [{ containerID: "a" }], `${now}[0].ifname: is missing`],
    ["an interface that is none", [{ containerID: "a", ifname: "a/b" }], `${now}[0].ifname: "a/b" is not an interface`],
    ["an interface that is a number", [{ containerID: "a", ifname: 1 }], `${now}[0].ifname: 1 is not an interface name`]
  ])("with %s", (_, list, said) => {
    for (const configuration of [{ [now]: list }, { [now]: list, [before]: [one] }]) {
      const { code, details, msg } = refused(configuration)
      assert.strictEqual(code, 7)
      assert.include(msg, said)
      assert.include(details, "Nothing was removed")
    }
    assert.strictEqual(refused({ [now]: [one], [before]: list }).code, 7)
  })
})
