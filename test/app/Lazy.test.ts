/**
 * A call loads no schema, and nothing of Kubernetes without a kubeconfig (docs/performance.md). A verb's process loads
 * what its modules import statically; this follows all these imports.
 */
import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const source = join(import.meta.dirname, "../../src")

/** Types are erased before anything runs, and `import(...)` loads on demand. */
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

/** The targets of `import(...)` in everything that is loaded at start. */
const doors = (entry: string): ReadonlySet<string> =>
  new Set(
    [entry, ...loaded(entry)]
      .filter((name) => name.endsWith(".ts"))
      .flatMap((file) =>
        [...readFileSync(join(source, file), "utf8").matchAll(/\bimport\("(\.[^"]+)"\)/g)].map(([, specifier = ""]) =>
          relative(source, join(source, dirname(file), specifier))
        )
      )
  )

describe("loaded at start", () => {
  for (const entry of ["main.ts", "app/VersionProcess.ts", "app/CniProcess.ts"]) {
    it(`by ${entry}: no Kubernetes, no YAML, no HTTP`, () => {
      const names = [...loaded(entry)]
      const ours = /^kubernetes\/(?!Origin\.ts$)|^platform\/bun\/BunHttps\.ts$/
      assert.deepStrictEqual(
        names.filter((name) => ours.test(name) || name === "js-yaml" || /^(node:)?https?$/.test(name)),
        []
      )
    })
  }

  for (const entry of [
    "app/CniProcess.ts",
    "ovs/OvsVswitch.ts",
    "ovs/client/OvsClient.ts",
    "vpp/VppVswitch.ts",
    "vpp/client/VppClient.ts"
  ]) {
    it(`by ${entry}: no schema, because guards do its work`, () => {
      const names = [...loaded(entry)]
      assert.include(names, entry.startsWith("app") ? "cni/network/NetConfGuard.ts" : "effect/Effect")
      assert.deepStrictEqual(
        names.filter((name) => name.startsWith("effect/Schema")),
        []
      )
    })
  }

  it("by app/CniProcess.ts: no code of GC and STATUS", () => {
    const ofNetwork = [...loaded("app/NetworkVerbs.ts")]
    for (const name of ["attachment/node/Gc.ts", "attachment/verbs/Status.ts", "attachment/node/Survey.ts"]) {
      assert.include(ofNetwork, name)
    }
    const names = loaded("app/CniProcess.ts")
    const own = /^app\/NetworkVerbs|^attachment\/node\/|^attachment\/verbs\/Status|ValidAttachments/
    assert.deepStrictEqual(
      [...names].filter((name) => own.test(name)),
      []
    )
  })

  it("by vpp/VppVswitch.ts: no policers", () => {
    assert.isTrue(loaded("vpp/interfaces/Policers.ts").has("vpp/messages/Policer.ts"))
    const names = [...loaded("vpp/VppVswitch.ts")]
    assert.deepStrictEqual(
      names.filter((name) => /Policer/.test(name)),
      []
    )
  })

  it("by a switch and by a verb: nothing of captures", () => {
    assert.include(loaded("vpp/VppMirrors.ts"), "vswitch/Mirrors.ts")
    for (const entry of ["app/CniProcess.ts", "app/NetworkVerbs.ts", "ovs/OvsVswitch.ts", "vpp/VppVswitch.ts"]) {
      assert.deepStrictEqual(
        [...loaded(entry)].filter((name) => /capture|Mirrors|Lease|Taps/.test(name)),
        []
      )
    }
  })

  it("by app/NetworkVerbs.ts: no schema", () => {
    assert.deepStrictEqual(
      [...loaded("app/NetworkVerbs.ts")].filter((name) => name.startsWith("effect/Schema")),
      []
    )
  })

  describe("by app/CniProcess.ts only on demand", () => {
    const start = loaded("app/CniProcess.ts")
    const behind = doors("app/CniProcess.ts")

    it.each([
      ["what a kubeconfig needs", "container-config/PodContainerConfig.ts", "kubernetes/Pods.ts"],
      ["what is said about a configuration that does not fit", "cni/network/SchemaMismatch.ts", "effect/Schema"],
      ["Open vSwitch", "ovs/OvsVswitch.ts", "ovs/client/OvsClient.ts"],
      ["VPP", "vpp/VppVswitch.ts", "vpp/client/VppClient.ts"],
      ["GC and STATUS", "app/NetworkVerbs.ts", "attachment/node/Gc.ts"]
    ])("%s", (_, door, needed) => {
      assert.include([...behind], door)
      assert.include([...loaded(door)], needed)
      assert.notInclude([...start], needed)
    })

    it("what it loads with import() is not loaded before", () => {
      assert.deepStrictEqual(
        [...behind].filter((door) => start.has(door)),
        []
      )
    })
  })
})
