/** The guards match the schemas: the output of `make guards` is current, and accepts the same values. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { generated } from "../../scripts/guards/Modules.ts"
import { Record } from "../../src/attachment/records/Record.ts"
import { isRecord } from "../../src/attachment/records/RecordGuard.ts"
import { NetConf } from "../../src/cni/network/NetConf.ts"
import { isNetConf, keys } from "../../src/cni/network/NetConfGuard.ts"
import { AnyResult } from "../../src/cni/types/AnyResult.ts"
import { isAnyResult } from "../../src/cni/types/AnyResultGuard.ts"

describe("the output of `make guards`", () => {
  it.each(generated())("$path is current", ({ now, wanted }) => {
    assert.include(wanted, "export const is")
    assert.strictEqual(now, wanted)
  })
})

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** The value with one part replaced, `at` steps down. */
const damaged = (value: unknown, at: ReadonlyArray<number>, by: unknown): unknown => {
  const [step, ...rest] = at
  if (step === undefined || typeof value !== "object" || value === null) return by
  const entries = Object.entries(value)
  const chosen = entries[step % Math.max(1, entries.length)]
  if (chosen === undefined) return by
  const [key, inner] = chosen
  if (Array.isArray(value)) return value.map((one, index) => (String(index) === key ? damaged(one, rest, by) : one))
  return { ...value, [key]: damaged(inner, rest, by) }
}

const Odd = Schema.Union([
  Schema.Json,
  Schema.Literals([-1, 0, 0.5, 1, 3, 255, 4095, 65536, 2 ** 53, "", "..", "/", "a b", "x".repeat(300)]),
  Schema.Literals(["é".repeat(12), "02:00:00:00:00:01", "03:00:00:00:00:01", "/a\n", true])
])

const Steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))).check(Schema.isMaxLength(4))

const judgesAlike = (
  name: string,
  schema: Schema.Decoder<unknown> & Schema.Schema<unknown>,
  guard: (value: unknown) => boolean
) =>
  describe(`the guard of ${name}`, () => {
    const is = Schema.is(schema)
    it.prop("accepts what the schema accepts", [schema], ([value]) => {
      assert.isTrue(guard(json(value)))
    })
    let refused = 0
    it.prop(
      "refuses what the schema refuses",
      [schema, Steps, Odd],
      ([value, at, by]) => {
        const wrong = damaged(json(value), at, by)
        if (!is(wrong)) refused++
        assert.strictEqual(guard(wrong), is(wrong), JSON.stringify(wrong))
      },
      { arbitrary: { runs: 1500 } }
    )
    it("was given enough invalid values", () => assert.isAbove(refused, 200))
  })

judgesAlike("NetConf", NetConf, isNetConf)
judgesAlike("AnyResult", AnyResult, isAnyResult)
judgesAlike("Record", Record, isRecord)

it("knows the keys of every section", () => {
  assert.sameMembers([...keys.top], Object.keys(NetConf.fields))
})
