/** The cases of the hostile process are those of its C sources, and each has a recorded outcome. */
import { assert, describe, it } from "@effect/vitest"
import { casesOf, type Role, wordOf } from "../e2e/hostile-process/Cases.ts"
import { outcomes, recorded } from "../e2e/hostile-process/Outcomes.ts"
import { read } from "./support/Markdown.ts"

const source: Readonly<Record<string, string>> = {
  "memif-master": "memif_master_cases.c",
  "memif-slave": "memif_slave_cases.c",
  "vhost-server": "vhost_cases.c",
  "vhost-client": "vhost_cases.c"
}

const inSource = (role: Role): ReadonlyArray<string> =>
  [...read(`test/e2e/hostile-process/${source[wordOf(role)]}`).matchAll(/^ {4}\{"(.+?)", \w+\},$/gm)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== "neighbour")

const roles = ["memif-master", "memif-slave", "memif-slave, zero copy", "vhost-server", "vhost-client"] as const

describe("the hostile process", () => {
  it.each(roles)("has the cases of the C program: %s", (role) => {
    const named = [...new Set(Object.values(casesOf).flatMap((byRole) => Object.keys(byRole[role] ?? {})))]
    const there = inSource(role).filter((name) => role !== "vhost-client" || name !== "many-connections")
    assert.isAbove(there.length, 20)
    assert.deepStrictEqual(named.toSorted(), there.toSorted())
  })

  it("has an outcome of every case, for each release that has any", () => {
    assert.isNotEmpty(Object.keys(outcomes()))
    for (const release of Object.keys(outcomes())) {
      for (const role of roles) {
        if (outcomes()[release]?.[role] === undefined) continue
        const cases = Object.keys(casesOf[release.replace(/ \S+$/, "")]?.[role] ?? {})
        assert.isNotEmpty(cases)
        for (const name of cases) {
          const seen = recorded(release, role, name)
          assert.isNotEmpty(seen, `${release}, ${role}, ${name}`)
          for (const one of seen) assert.match(one, /^(lives|hangs|SIG[A-Z]+)$/)
        }
      }
    }
  })
})
