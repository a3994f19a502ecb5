/**
 * Without a kubeconfig nothing of Kubernetes is loaded: what a verb's process loads at start is what its modules import
 * statically, and that is followed here from the first to the last.
 */
import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const source = join(import.meta.dirname, "../../src")

/** Types are gone before anything runs, and `import(...)` loads when it is reached. */
const imports = (file: string): ReadonlyArray<string> =>
  [...readFileSync(file, "utf8").matchAll(/^(?:import|export)(?!\s+type\b)[^"]*?from\s+"([^"]+)"/gm)].map(
    ([, specifier = ""]) => specifier
  )

const loaded = (entry: string): ReadonlySet<string> => {
  const seen = new Set<string>()
  const queue = [entry]
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    for (const specifier of imports(join(source, file))) {
      const name = specifier.startsWith(".") ? relative(source, join(source, dirname(file), specifier)) : specifier
      if (seen.has(name)) continue
      seen.add(name)
      if (specifier.startsWith(".")) queue.push(name)
    }
  }
  return seen
}

describe("loaded at start", () => {
  for (const entry of ["main.ts", "cni/VersionMain.ts", "cni/VerbMain.ts"]) {
    it(`by ${entry}: no Kubernetes, no YAML, no HTTP`, () => {
      const names = [...loaded(entry)]
      const ours = /^kubernetes\/(?!Origin\.ts$)|^platform\/(Bun|Node)Https\.ts$/
      assert.deepStrictEqual(
        names.filter((name) => ours.test(name) || name === "js-yaml" || /^(node:)?https?$/.test(name)),
        []
      )
    })
  }

  it("by what a kubeconfig asks for: all of it", () => {
    const names = loaded("kubernetes/PodHandover.ts")
    assert.isTrue(names.has("kubernetes/Pods.ts"))
    assert.isTrue(loaded("cni/VerbMain.ts").has("attachment/Handovers.ts"))
  })
})
