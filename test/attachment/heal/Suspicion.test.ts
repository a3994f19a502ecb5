/** Who is suspected of an end, and lives of a switch among whose ports is one that ends it. */
import { assert, describe, it } from "@effect/vitest"
import {
  isTooMuch,
  judge,
  nobody,
  type Present,
  type Suspicion,
  type Verdict
} from "../../../src/attachment/heal/Suspicion.ts"

const at = 1_000_000
const port = (id: string, back: number, connected?: number): Present => ({
  id,
  back: at - back,
  connected: connected === undefined ? undefined : at - connected
})

interface Ground {
  /** How long after its port is back, or after the switch is, it ends the switch. */
  readonly after: number
  /** What ends it: a port, or the switch by itself. */
  readonly by: "p7" | "itself"
  /** Connections are seen. */
  readonly seen: boolean
}

const ids = Array.from({ length: 10 }, (_, n) => `p${n}`)

/** One life: what is there at its end. `ago` before the end. */
const life = ({ after, by, seen }: Ground, { held, pause }: Suspicion): ReadonlyArray<Present> => {
  const backAt = (id: string) => (held.includes(id) ? pause : 0)
  const end = (by === "itself" ? 0 : backAt(by)) + after
  return ids
    .filter((id) => backAt(id) <= end)
    .map((id) => {
      // An application of the others connects at some time of the three seconds after its port is back.
      const connects = id === by ? end : backAt(id) + 37 + 300 * ids.indexOf(id)
      return port(id, end - backAt(id), seen && connects <= end ? end - connects : undefined)
    })
}

/** The ends until one is convicted thrice, and how often each of the others was held back. */
const lives = (ground: Ground, most = 40) => {
  let suspicion = nobody
  const ends = new Map<string, number>()
  const held = new Map<string, number>()
  for (let count = 1; count <= most; count++) {
    const verdict = judge(suspicion, life(ground, suspicion), at)
    for (const id of suspicion.held.filter((id) => verdict.suspicion.acquitted.includes(id))) ends.delete(id)
    suspicion = verdict.suspicion
    for (const id of suspicion.held) held.set(id, (held.get(id) ?? 0) + 1)
    const { convicted } = verdict
    if (convicted === undefined) continue
    ends.set(convicted, (ends.get(convicted) ?? 0) + 1)
    if (ends.get(convicted) === 3) return { isolated: convicted, count, held }
  }
  return { isolated: undefined, count: most, held }
}

describe("an end of a switch", () => {
  const first = (verdict: Verdict) => [verdict.first, verdict.convicted, verdict.suspicion.held]

  it("is nobody's when no port was made and no application connected in the last ten seconds", () => {
    assert.deepStrictEqual(judge(nobody, [port("a", 11_000), port("b", 99_000, 60_000)], at).suspicion, nobody)
  })

  it("is suspected to be of the one whose port was made last, as by an ADD", () => {
    assert.deepStrictEqual(first(judge(nobody, [port("a", 99_000), port("b", 3_000)], at)), ["b", undefined, ["b"]])
  })

  it("is suspected to be of the one that connected last, rather than of a port that was made later", () => {
    const present = [port("a", 5_000, 20), port("b", 4_000), port("c", 5_000, 3_000)]
    assert.deepStrictEqual(first(judge(nobody, present, at)), ["a", undefined, ["a"]])
  })

  it("forgets all suspicion when it comes long after everybody is back: somebody has restarted the switch", () => {
    const held: Suspicion = { held: ["a"], pause: 1_000, acquitted: ["b"] }
    assert.deepStrictEqual(judge(held, [port("a", 60_000), port("b", 61_000)], at).suspicion, nobody)
  })

  it("acquits who is held back meanwhile", () => {
    const held: Suspicion = { held: ["a"], pause: 1_000, acquitted: [] }
    const verdict = judge(held, [port("b", 500), port("c", 500)], at)
    assert.deepStrictEqual(verdict.suspicion.acquitted, ["a"])
    assert.notInclude(verdict.suspicion.held, "a")
    assert.isUndefined(verdict.convicted)
  })

  it("convicts who was held back alone and is back", () => {
    const held: Suspicion = { held: ["a"], pause: 1_000, acquitted: [] }
    assert.deepStrictEqual(first(judge(held, [port("a", 100), port("b", 1_100, 50)], at)), ["a", "a", ["a"]])
  })

  it("makes the next pause twice as long as it took, within bounds", () => {
    const pauses = [10, 3_000, 9_999].map((back) => judge(nobody, [port("a", back)], at).suspicion.pause)
    assert.deepStrictEqual(pauses, [1_000, 6_000, 19_998])
  })

  it("is one too many when it is the third within ten minutes", () => {
    assert.isFalse(isTooMuch([at - 601_000, at - 1_000, at], at))
    assert.isTrue(isTooMuch([at - 599_000, at - 1_000, at], at))
  })
})

describe("one of ten that ends the switch again and again", () => {
  for (const after of [1, 300, 1_500, 4_000, 9_000]) {
    it(`is found when it takes ${after} ms and connections are seen`, () => {
      const { count, isolated } = lives({ after, by: "p7", seen: true })
      assert.strictEqual(isolated, "p7")
      assert.isAtMost(count, 5)
    })
    it(`is found when it takes ${after} ms and only the times of the ports are known`, () => {
      const { count, isolated } = lives({ after, by: "p7", seen: false })
      assert.strictEqual(isolated, "p7")
      assert.isAtMost(count, 9)
    })
  }

  it("is none of them when the switch ends by itself", () => {
    for (const seen of [true, false]) {
      for (const after of [1, 500, 5_000]) {
        assert.isUndefined(lives({ after, by: "itself", seen }).isolated)
      }
    }
  })

  it("holds back none of the others when connections are seen", () => {
    assert.deepStrictEqual([...lives({ after: 200, by: "p7", seen: true }).held.keys()], ["p7"])
  })
})
