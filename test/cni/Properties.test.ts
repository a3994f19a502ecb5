/** Any text on stdin gives a configuration or an error with a documented code, never a crash. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { logOptions } from "../../src/cni/network/LogOptions.ts"
import { NetConf } from "../../src/cni/network/NetConf.ts"
import { deepest } from "../../src/cni/network/Validators.ts"
import { readRequest } from "../../src/cni/Request.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { reading } from "./support/Reading.ts"

const codes: ReadonlySet<number> = new Set(Object.values(ErrorCodes))
const environment = { CNI_CONTAINERID: "a", CNI_NETNS: "/n", CNI_IFNAME: "net1" }

/** Reads it as a call does; returns the code, or undefined. */
const codeOf = (conf: unknown) => {
  for (const verb of ["ADD", "DEL", "CHECK"]) {
    Result.match(readRequest({ ...environment, CNI_COMMAND: verb }, JSON.stringify(conf)).asked, {
      onFailure: ({ code, details, msg }) => {
        assert.ok(codes.has(code))
        assert.ok(msg !== "" && details !== "")
      },
      onSuccess: ({ envelope }) => assert.isString(logOptions(envelope.value).level)
    })
  }
  return Result.match(reading(conf), {
    onFailure: ({ code, details, msg }) => {
      assert.ok(msg !== "" && details !== "")
      return code
    },
    onSuccess: ({ port, text }) => {
      assert.strictEqual(text, JSON.stringify(conf))
      assert.ok(port.engine === "vpp" || port.engine === "ovs-dpdk")
      return undefined
    }
  })
}

const Anything = Schema.Record(Schema.String, Schema.Json)

/** Known keys with any value: finds more than random keys do. */
const any = Schema.optionalKey(Schema.Json)
const Known = Schema.Struct({
  cniVersion: any,
  name: any,
  host: any,
  container: any,
  ipam: any,
  prevResult: any,
  logLevel: any,
  logFile: any,
  args: any
})

describe("any object", () => {
  it.prop("with any keys", [Anything], ([conf]) => {
    assert.include([1, 2, 7], codeOf(conf))
  })

  it.prop("with our keys and any values", [Known], ([conf]) => {
    assert.include([1, 2, 7], codeOf(conf))
  })

  it.prop("with any values inside our sections", [Schema.Json, Schema.Json, Anything], ([a, b, any]) => {
    const host = { engine: "vpp", iftype: "memif", memif: { role: "master", ringSize: a }, bridge: b, vhost: any }
    assert.include([undefined, 2, 7], codeOf({ name: "n", host, container: host }))
  })

  it.prop("with any values for any caller", [Schema.Json, Schema.Json, Anything], ([a, b, any]) => {
    const conf = { name: "n", host: { engine: "ovs-dpdk", iftype: "vhostuser" }, runtimeConfig: { mac: a, OvnPort: b } }
    assert.include([undefined, 7], codeOf({ ...conf, args: { cni: any } }))
  })
})

it.prop("what the schema accepts is refused by the combinations only", [NetConf], ([conf]) => {
  assert.include([undefined, 1, 7], codeOf(conf))
})

it.prop("any text on stdin", [Schema.String], ([text]) => {
  Result.match(readRequest({ ...environment, CNI_COMMAND: "ADD" }, text).asked, {
    onFailure: ({ code }) => assert.include([1, 6], code),
    onSuccess: () => assert.isObject(JSON.parse(text))
  })
})

describe("odd objects", () => {
  /** Deep enough to overflow the stack of a recursive function. */
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`
  const deep = nested(50_000)
  const host = '"host":{"engine":"ovs-dpdk","iftype":"vhostuser"}'

  it.each([
    ["a name that has no text", `{"name":{"toString":1},${host}}`, 7],
    ["a log level that has no text", `{"name":"n","logLevel":{"toString":null},${host}}`, 7],
    ["a prototype", `{"name":"n","__proto__":{"host":1},${host}}`, undefined],
    ["a prototype for a section", `{"name":"n","host":{"__proto__":{"engine":"vpp"}}}`, 2],
    ["a host from a prototype", `{"name":"n","__proto__":{${host}}}`, 7],
    ["a constructor", `{"name":"n","constructor":1,${host}}`, undefined],
    ["a deep foreign key", `{"name":"n","x":${deep},${host}}`, 6],
    ["a deep unknown key", `{"name":"n","host":{"x":${deep}}}`, 6],
    ["a deep value of ours", `{"name":"n","host":${deep}}`, 6],
    ["a deep version", `{"cniVersion":${deep}}`, 6],
    ["a deep log level", `{"name":"n","logLevel":${deep},${host}}`, 6],
    ["a foreign key that is as deep as is allowed", `{"name":"n","x":${nested(deepest - 1)},${host}}`, undefined],
    ["a foreign key that is one deeper", `{"name":"n","x":${nested(deepest)},${host}}`, 6],
    ["brackets in a text", `{"name":"n","x":"${"[".repeat(1000)}\\"{","y":${nested(2)},${host}}`, undefined],
    [
      "a hundred thousand keys",
      `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":1`).join()},"name":"n",${host}}`,
      undefined
    ]
  ])("%s", (_, text, expected) => {
    Result.map(readRequest({ ...environment, CNI_COMMAND: "ADD" }, text).asked, ({ envelope }) => {
      assert.isString(envelope.name)
      return logOptions(envelope.value)
    })
    const code = Result.match(reading(text), {
      onFailure: ({ code, msg }) => {
        assert.isBelow(msg.length, 400)
        return code
      },
      onSuccess: () => undefined
    })
    assert.strictEqual(code, expected)
  })
})
