/** The chart of `make bench`. */
import { assert, it } from "@effect/vitest"
import { chart } from "../../scripts/bench/Chart.ts"

it("has room for every name, however long, and for every total", () => {
  const title = "Through the agent, on a switch with a long name"
  const times = new Map([
    ["start", [6]],
    ["all of it", [41.7]]
  ])
  const svg = chart([{ title, figures: [], times, beside: [["host-local alone", 2.7]] }])
  const [, width = 0] = /viewBox="0 0 (\d+) /.exec(svg) ?? []
  const names = [...svg.matchAll(/<text x="([\d.]+)" y="\d+" text-anchor="end">([^<]+)</g)]
  assert.deepStrictEqual(
    names.map(([, , name]) => name),
    [`ADD t${title.slice(1)}`, "host-local alone"]
  )
  // Six pixels a letter, at this size.
  for (const [, end, name = ""] of names) assert.isAtLeast(Number(end), 6 * name.length)
  const totals = [...svg.matchAll(/<text x="([\d.]+)" y="\d+">([\d.]+ ms)</g)]
  assert.lengthOf(totals, 2)
  for (const [, begin, total = ""] of totals) assert.isAtMost(Number(begin) + 6 * total.length, Number(width))
})
