/** The annotations that readers in pods rely on: what is added, replaced, removed and left alone. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { dataKey, isOfAttachment, mappedDirKey } from "../../src/identity/ConfigurationData.ts"
import { elementsOf, put, remove } from "../../src/kubernetes/PodAnnotations.ts"
import type { Annotations, Changes } from "../../src/kubernetes/PodDocument.ts"

const dir = "/run/shared/"
const key = (ifName: string, containerId = "c1") => ({ containerId, ifName })
const element = (ifName: string, more = {}) => ({ containerId: "c1", ifName, name: "net", ...more })

const applied = (annotations: Annotations, changes: Changes): Annotations =>
  Object.fromEntries(
    Object.entries({ ...annotations, ...changes }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  )
const add = (annotations: Annotations, ifName: string, more = {}) =>
  applied(annotations, put(annotations, key(ifName), element(ifName, more), dir))
const drop = (annotations: Annotations, ifName: string, containerId?: string) =>
  applied(annotations, remove(annotations, key(ifName, containerId), dir))

describe("configuration data", () => {
  it("has one element per interface, in the order of the ADDs", () => {
    const both = add(add({ color: "blue" }, "net1"), "net2")
    assert.deepStrictEqual(elementsOf(both), [element("net1"), element("net2")])
    assert.strictEqual(both[mappedDirKey], dir)
    assert.strictEqual(both["color"], "blue")
  })

  it("a second ADD of an interface replaces its element in place", () => {
    const again = add(add(add({}, "net1"), "net2"), "net1", { mac: "02:00:00:00:00:01" })
    assert.deepStrictEqual(elementsOf(again), [element("net1", { mac: "02:00:00:00:00:01" }), element("net2")])
  })

  it("DEL removes its own element, and with the last one both annotations", () => {
    const both = add(add({ color: "blue" }, "net1"), "net10")
    assert.deepStrictEqual(elementsOf(drop(both, "net1")), [element("net10")])
    assert.strictEqual(drop(both, "net1")[mappedDirKey], dir)
    assert.deepStrictEqual(drop(drop(both, "net1"), "net10"), { color: "blue" })
    assert.deepStrictEqual(drop(both, "net1", "another"), both)
    assert.deepStrictEqual(drop({ color: "blue" }, "net1"), { color: "blue" })
  })

  it("elements of another form, and of other interfaces, stay", () => {
    const strange = JSON.stringify([7, { containerId: "c0", ifName: "net2", x: [1] }, { ifName: "net1" }, "text"])
    const mixed = add({ [dataKey]: strange }, "net1")
    assert.lengthOf(elementsOf(mixed) ?? [], 5)
    assert.strictEqual(drop(mixed, "net1")[dataKey], strange)
  })

  it("ADD drops the element of its interface that an earlier sandbox left without DEL", () => {
    const earlier = add(add({ color: "blue" }, "net1"), "net2")
    const mine = { containerId: "c2", ifName: "net1", name: "net" }
    const now = applied(earlier, put(earlier, key("net1", "c2"), mine, dir))
    assert.deepStrictEqual(elementsOf(now), [element("net2"), mine])
  })

  it("a value that is not an array is replaced by ADD and left alone by DEL", () => {
    for (const text of ["{", "null", '{"a":1}']) {
      assert.isUndefined(elementsOf({ [dataKey]: text }))
      assert.deepStrictEqual(elementsOf(add({ [dataKey]: text }, "net1")), [element("net1")])
      assert.deepStrictEqual(drop({ [dataKey]: text }, "net1"), { [dataKey]: text })
    }
    assert.deepStrictEqual(elementsOf({ [dataKey]: " " }), [])
  })

  it("the last DEL also removes the directory that the original plugin wrote without a slash", () => {
    for (const written of [dir, "/run/shared"]) {
      const told = { color: "blue", [dataKey]: JSON.stringify([element("net1")]), [mappedDirKey]: written }
      assert.deepStrictEqual(drop(told, "net1"), { color: "blue" })
    }
    const own = { [dataKey]: JSON.stringify([element("net1")]), [mappedDirKey]: "/run" }
    assert.deepStrictEqual(drop(own, "net1"), { [mappedDirKey]: "/run" })
  })

  it("a directory that the pod's author set stays; the original plugin's, without its slash, gets one", () => {
    const own = { [mappedDirKey]: "/elsewhere/" }
    assert.strictEqual(add(own, "net1")[mappedDirKey], "/elsewhere/")
    assert.deepStrictEqual(drop(add(own, "net1"), "net1"), own)
    assert.strictEqual(add({ [mappedDirKey]: "/run/shared" }, "net1")[mappedDirKey], dir)
    assert.strictEqual(add({ [mappedDirKey]: "" }, "net1")[mappedDirKey], dir)
  })

  const id = Schema.Literals(["c1", "c2", "c10"])
  const ifName = Schema.Literals(["net1", "net2", "net10"])
  const Others = Schema.Array(
    Schema.Union([Schema.Struct({ containerId: id, ifName, name: Schema.String }), Schema.Finite, Schema.String])
  )
  it.prop("DEL removes what ADD added, whoever else writes", [Others, id, ifName], ([others, containerId, name]) => {
    const mine = { containerId, ifName: name }
    const before = { color: "blue", [dataKey]: JSON.stringify(others) }
    const without = applied(before, remove(before, mine, dir))
    const during = applied(without, put(without, mine, { ...mine, name: "net" }, dir))
    assert.isTrue(elementsOf(during)?.some((one) => isOfAttachment(one, { ...mine, network: "net" })))
    const after = applied(during, remove(during, mine, dir))
    // ADD removes an earlier sandbox's element of the same interface.
    const earlier = (one: unknown) => typeof one === "object" && one !== null && "ifName" in one && one.ifName === name
    assert.deepStrictEqual(
      elementsOf(after),
      elementsOf(without)?.filter((one) => !earlier(one))
    )
    assert.strictEqual(after["color"], "blue")
  })

  it("an element is identified by container, interface and network", () => {
    const annotations = add({}, "net1")
    const [one] = elementsOf(annotations) ?? []
    assert.isTrue(isOfAttachment(one, { ...key("net1"), network: "net" }))
    assert.isFalse(isOfAttachment(one, { ...key("net1"), network: "other" }))
    assert.isFalse(isOfAttachment(one, { ...key("net1", "c2"), network: "net" }))
  })
})
