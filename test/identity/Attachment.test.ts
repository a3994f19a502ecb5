/** Identities, and the names derived from them: no two attachments share a name that must be unique. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { derivedMac, keyOf, longHandle, plainHandle, portName, shortId } from "../../src/identity/Attachment.ts"

const attachment = (more: object = {}) => ({
  network: "net",
  containerId: "0958c8871b32cafe",
  ifName: "net1",
  netns: "/n/a",
  pod: undefined,
  ...more
})

/** Pairs that a careless name would confuse. */
const pairs: ReadonlyArray<readonly [what: string, one: object, other: object]> = [
  ["net1 and net10", { ifName: "net1" }, { ifName: "net10" }],
  ["two networks", { network: "a" }, { network: "b" }],
  ["ids that begin alike", { containerId: "0958c8871b32aaaa" }, { containerId: "0958c8871b32bbbb" }],
  ["a letter that moves", { network: "a", containerId: "bc" }, { network: "ab", containerId: "c" }],
  ["a dash that moves", { containerId: "a-b", ifName: "c" }, { containerId: "a", ifName: "b-c" }]
]

describe("the key, the port's name and the long handle", () => {
  it.each(pairs)("distinguish %s", (_, one, other) => {
    for (const name of [keyOf, portName, longHandle]) {
      assert.notStrictEqual(name(attachment(one)), name(attachment(other)))
    }
  })

  it("do not depend on namespace and pod, which may change", () => {
    const later = attachment({ netns: "", pod: { namespace: "a", name: "b", uid: "" } })
    for (const name of [keyOf, portName, longHandle, plainHandle, derivedMac]) {
      assert.strictEqual(name(attachment()), name(later))
    }
  })

  it("have their documented form", () => {
    assert.match(keyOf(attachment()), /^[a-z2-7]{20}$/)
    assert.match(portName(attachment()), /^usp[a-z2-7]{12}$/)
    assert.match(longHandle(attachment()), /^0958c8871b32-net1-[a-z2-7]{8}$/)
  })

  it("never change, because records and ports of older releases are found by them", () => {
    assert.strictEqual(keyOf(attachment()), "6qmbqjaf4dkd6owht6nl")
    assert.strictEqual(portName(attachment()), "usp6qmbqjaf4dkd")
    assert.strictEqual(derivedMac(attachment()), "ee:f3:4a:b0:60:9f")
  })
})

describe("the plain handle is the original's", () => {
  it("with the first twelve characters of the id, or all if it is shorter", () => {
    assert.strictEqual(plainHandle(attachment()), "0958c8871b32-net1")
    assert.strictEqual(plainHandle(attachment({ containerId: "a" })), "a-net1")
    assert.strictEqual(shortId({ containerId: "0958c8871b3" }), "0958c8871b3")
  })
})

const Part = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,11}$/))

it.prop(
  "a derived MAC address is local and unicast, and always the same",
  [Part, Part, Part],
  ([network, id, ifName]) => {
    const one = attachment({ network, containerId: id, ifName })
    assert.match(derivedMac(one), /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/)
    assert.strictEqual(derivedMac(one), derivedMac({ ...one }))
  }
)

it.prop("different attachments have different keys", [Part, Part, Part, Part, Part, Part], ([a, b, c, d, e, f]) => {
  const same = a === d && b === e && c === f
  const [one, other] = [
    { network: a, containerId: b, ifName: c },
    { network: d, containerId: e, ifName: f }
  ]
  assert.strictEqual(keyOf(one) === keyOf(other), same)
})
