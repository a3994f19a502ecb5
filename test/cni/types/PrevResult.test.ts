/** The earlier result, of another plugin or of ADD: validated where it matters, ignored where a pod must be deleted. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readRequest } from "../../../src/cni/Request.ts"
import { ovs, readingOf } from "../support/Reading.ts"

const environment = { CNI_CONTAINERID: "a", CNI_NETNS: "/n", CNI_IFNAME: "net1" }

const judged = (verb: string, prevResult: unknown, key = "prevResult") =>
  readRequest(
    { ...environment, CNI_COMMAND: verb },
    JSON.stringify({ cniVersion: "1.0.0", name: "n", host: ovs, [key]: prevResult })
  ).asked

const good: ReadonlyArray<readonly [string, unknown]> = [
  ["of our version", { cniVersion: "1.0.0", interfaces: [{ name: "a" }], ips: [], dns: {} }],
  ["of an older version", { cniVersion: "0.2.0", ip4: { ip: "10.0.0.1/8" } }],
  ["of a newer version", { cniVersion: "1.1.0", interfaces: [{ name: "a", mtu: 9000, socketPath: "/s" }] }],
  ["without a version", { interfaces: [{ name: "a" }] }],
  ["with keys that nobody knows", { cniVersion: "1.0.0", interfaces: [{ name: "a", x: 1 }], y: [] }]
]

const bad: ReadonlyArray<readonly [string, unknown]> = [
  ["text", "x"],
  ["a list", []],
  ["a number", 7],
  ["an interface without name", { interfaces: [{}] }],
  ["an address that is a number", { ips: [{ address: 10 }] }],
  ["an index that is text", { ips: [{ address: "10.0.0.1/8", interface: "0" }] }],
  ["a route without destination", { routes: [{ gw: "10.0.0.1" }] }],
  ["a version that nobody speaks", { cniVersion: "9.0.0" }]
]

describe.each(["ADD", "CHECK", "DEL"])("%s", (verb) => {
  it.each(good)("accepts %s", (_, prevResult) => {
    const { previous } = Result.getOrThrow(judged(verb, prevResult))
    assert.ok(previous !== undefined && previous.interfaces.length + previous.ips.length > 0)
  })

  it.each([[null], [""], [undefined]])("takes %j as absent", (prevResult) => {
    assert.isUndefined(Result.getOrThrow(judged(verb, prevResult)).previous)
  })

  it.each(bad)(verb === "DEL" ? "goes on without %s" : "refuses %s", (_, prevResult) => {
    const asked = judged(verb, prevResult)
    if (verb === "DEL") {
      assert.isUndefined(Result.getOrThrow(asked).previous)
      assert.strictEqual(readingOf({ name: "n", host: ovs, prevResult }).port.engine, "ovs-dpdk")
    } else {
      const { code, details, msg } = Result.getOrThrow(Result.flip(asked))
      assert.strictEqual(code, 6)
      assert.include(msg, "prevResult: ")
      assert.include(details, "the preceding plugin in the list")
    }
  })

  it("is found in Go's spellings", () => {
    const { previous } = Result.getOrThrow(judged(verb, { interfaces: [{ name: "a" }] }, "PrevResult"))
    assert.deepStrictEqual(previous?.interfaces, [{ name: "a" }])
  })
})
