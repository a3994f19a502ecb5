/** A drawn part of a campaign: repeatable, of the wanted size, never empty. */
import { assert, describe, it } from "@effect/vitest"
import { drawn } from "./support/Draw.ts"

const steps = Array.from({ length: 30 }, (_, n) => ({ step: `step ${n}` }))
const part = { every: 3, seed: "1" }

describe("a part of a campaign", () => {
  it("is the same for the same seed, and another for another", () => {
    assert.lengthOf(drawn("ADD", steps, part), 10)
    assert.deepStrictEqual(drawn("ADD", steps, part), drawn("ADD", steps, part))
    assert.notDeepEqual(drawn("ADD", steps, part), drawn("DEL", steps, part))
    assert.notDeepEqual(drawn("ADD", steps, part), drawn("ADD", steps, { ...part, seed: "2" }))
  })

  it("has at least one step where there is any", () => {
    assert.lengthOf(drawn("ADD", steps.slice(0, 1), part), 1)
    assert.lengthOf(drawn("ADD", [], part), 0)
  })

  it("is everything unless a part is asked for", () => {
    assert.deepStrictEqual(drawn("ADD", steps, { every: 1, seed: "1" }), steps)
  })
})
