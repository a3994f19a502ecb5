/** Alerts and the dashboard ask for series that the agent has, by labels that they have. */
import { assert, describe, it } from "@effect/vitest"
import { kinds, results } from "../../src/agent/events/PodEvent.ts"
import { all } from "../../src/agent/metrics/Families.ts"
import { dropReasons } from "../../src/vswitch/Traffic.ts"
import { read } from "./support/Markdown.ts"

const named = (text: string): ReadonlyArray<string> => [
  ...new Set([...text.matchAll(/\buserspace_cni_[a-z_]+/g)].map(([name]) => name))
]

const known = new Map(all.flatMap((family) => names(family.name, family.type).map((name) => [name, family])))

function names(name: string, type: string): ReadonlyArray<string> {
  return type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
}

const files = ["rules.yaml", "rules-test.yaml", "dashboard.json"].map((name) => `examples/monitoring/${name}`)

describe("examples/monitoring", () => {
  for (const file of files) {
    it(`${file} names only series that exist, with labels that they have`, () => {
      const text = read(file)
      const used = named(text)
      assert.isTrue(used.length >= 4)
      for (const name of used) assert.isTrue(known.has(name), name)
      for (const [, name = "", selector = ""] of text.matchAll(/\b(userspace_cni_[a-z_]+)\{([^}]*)\}/g)) {
        const labels = [...selector.matchAll(/([a-z_]+)(?:=~|!=|=)/g)].map(([, label]) => label)
        const own = ["instance", "le", ...(known.get(name)?.labels ?? [])]
        for (const label of labels) assert.include(own, label, name)
      }
    })
  }

  it("the dashboard shows every series of traffic", () => {
    const text = read("examples/monitoring/dashboard.json")
    for (const { name } of all.filter(({ name }) => /_(receive|transmit)_/.test(name))) assert.include(text, name)
  })

  it("the dashboard shows what has become of the events of pods", () => {
    assert.include(
      read("examples/monitoring/dashboard.json"),
      "sum by (kind, result) (rate(userspace_cni_events_total["
    )
  })

  it("the rule on drops means those of both directions", () => {
    const text = read("examples/monitoring/rules.yaml")
    for (const direction of ["receive", "transmit"])
      assert.include(text, `rate(userspace_cni_interface_${direction}_dropped_total[5m])`)
  })
})

describe("docs/metrics.md", () => {
  it("has every reason of a drop", () => {
    const page = read("docs/metrics.md")
    for (const reason of dropReasons) assert.include(page, `| \`${reason}\` |`)
  })

  it("has every result of an event, and docs/kubernetes.md every kind", () => {
    for (const result of results) assert.include(read("docs/metrics.md"), `| \`${result}\` |`)
    for (const [kind, { type }] of Object.entries(kinds)) {
      assert.include(read("docs/kubernetes.md"), `| \`${kind}\` | ${type} |`)
    }
  })

  it("has every file of examples/monitoring", () => {
    const page = read("docs/metrics.md")
    for (const name of ["rules.yaml", "rules-test.yaml", "dashboard.json", "prometheus.yaml", "podmonitor.yaml"]) {
      assert.include(page, `\`${name}\``)
    }
  })
})
