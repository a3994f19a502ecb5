/** The plugin accepts the networks that a reader copies: the files of `examples/` and those in the pages. */
import { assert, describe, it } from "@effect/vitest"
import { JsonSchema, Result, Schema, SchemaRepresentation } from "effect"
import { jsonSchema } from "../../scripts/docs/NetConfSchema.ts"
import { accept, calls } from "./support/Accept.ts"
import { blocks, everyExample, examples, pages, read } from "./support/Markdown.ts"

const Json = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

/** The import's type does not determine the services of the schema; made of JSON Schema it needs none. */
const imported = SchemaRepresentation.fromJsonSchemaDocument(JsonSchema.fromSchemaDraft2020_12(jsonSchema()), {
  patterns: "apply"
}) as Schema.Codec<unknown>

const decode = Schema.decodeUnknownResult(imported, { onExcessProperty: "error" })
const valid = (value: unknown) => Result.isSuccess(decode(value))

const messageOf = (call: object) =>
  Result.match(accept(call), { onFailure: ({ message }) => message, onSuccess: () => "accepted" })

describe("examples", () => {
  it("exist", () => assert.isAbove(examples.length, 3))

  for (const path of examples) {
    const all = calls(Json(read(path)))

    it(`${path} is accepted, without a warning`, () => {
      for (const call of all) {
        assert.strictEqual(messageOf(call), "accepted")
        assert.deepStrictEqual(Result.getOrThrow(accept(call)).warnings, [])
      }
    })

    it(`${path} is valid by the JSON Schema`, () => {
      for (const call of all) assert.isTrue(valid(call))
    })

    it(`${path} has a network for this plugin`, () => assert.isNotEmpty(all))
  }

  it("are all listed on their page, and nothing else is", () => {
    const listed = [...read("docs/examples.md").matchAll(/`(examples\/[\w./-]+\.\w+)`/g)].map(([, path]) => path)
    assert.deepStrictEqual([...new Set(listed)].toSorted(), [...everyExample])
  })

  it("for Multus is the original plugin's network, unchanged", () => {
    const [delegate] = calls(Json(read("examples/10-multus.conf")))
    assert.deepStrictEqual(delegate, Json(read("examples/90-userspace.conf")))
  })

  it("for Multus repeats a failed DEL, by the key on its page", () => {
    const [, shown = ""] =
      /<!-- tested: retryDeleteOnError -->\n\n```json\n([\s\S]*?)```/.exec(read("docs/multus.md")) ?? []
    assert.deepStrictEqual(Json(shown), { retryDeleteOnError: true })
    assert.deepInclude(Json(read("examples/10-multus.conf")), Json(shown))
  })

  it("are refused by the JSON Schema when a key or a value is wrong", () => {
    const host = { engine: "ovs-dpdk", iftype: "vhostuser" }
    const refused = (network: object) => !valid({ name: "n", ...network })
    assert.isFalse(refused({ host, foreign: 1 }))
    assert.isTrue(refused({}))
    assert.isTrue(refused({ host: { ...host, iftype: "vhost" } }))
    assert.isTrue(refused({ host: { ...host, mac: "01:00:00:00:00:01" } }))
    assert.isTrue(refused({ host: { ...host, bridge: { bridgename: "br0" } } }))
    assert.isTrue(refused({ host: { ...host, bridge: { vlanId: 5000 } } }))
    assert.isTrue(refused({ host: { ...host, memif: { ringSize: 1000 } } }))
  })
})

describe("JSON in the pages", () => {
  for (const page of pages) {
    for (const { language, line, text } of blocks(read(page))) {
      if (language !== "json") continue
      it(`${page}:${line} is JSON, and a network in it is accepted`, () => {
        const value = Json(text)
        if ("host" in value || "plugins" in value) {
          for (const call of calls({ name: "network", ...value })) assert.strictEqual(messageOf(call), "accepted")
        }
      })
    }
  }
})
