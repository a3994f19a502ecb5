import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { compareAll, decodeApiFile } from "../../../scripts/vpp-api/ApiDefinitions.ts"
import { apiFile } from "../support/Captures.ts"

const verdicts = (text: string) =>
  Effect.map(decodeApiFile(text), (file) =>
    compareAll([file]).flatMap((found) => (found.verdict === "same" ? [] : [`${found.verdict}: ${found.name}`]))
  )

it.effect("match 26.06, field by field", () =>
  Effect.gen(function* () {
    assert.deepStrictEqual(yield* verdicts(apiFile("v26.06")), [])
  })
)

it.effect("match 23.02, which has no second version of the memif messages", () =>
  Effect.gen(function* () {
    assert.deepStrictEqual(yield* verdicts(apiFile("v23.02")), [
      "missing: memif_socket_filename_add_del_v2",
      "missing: memif_socket_filename_add_del_v2_reply",
      "missing: memif_create_v2",
      "missing: memif_create_v2_reply"
    ])
  })
)

it.effect("report another CRC and another field", () =>
  Effect.gen(function* () {
    const changed = apiFile("v26.06")
      .replace('"crc": "0xf9e6675e"', '"crc": "0x00000001"')
      .replace('["u32", "ring_size"]', '["u16", "ring_size"]')
    const seen = yield* verdicts(changed)
    assert.strictEqual(seen.length, 2)
    assert.match(seen.join("\n"), /other CRC: /)
    assert.match(seen.join("\n"), /other fields: memif/)
  })
)
