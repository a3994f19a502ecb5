/**
 * The page about the configuration says what a key's absence means and for which ports a key is. The plugin is asked
 * whether that is so.
 */
import { assert, describe, it } from "@effect/vitest"
import { Predicate, Result } from "effect"
import { type KeyNote, keyNotes } from "../../scripts/docs/KeyNotes.ts"
import { accept } from "./support/Accept.ts"

type Json = Readonly<Record<string, unknown>>

const network = (host: Json) => ({ cniVersion: "1.0.0", type: "userspace", name: "n", host })

const bases: Readonly<Record<string, Json>> = {
  "ovs-dpdk": network({ engine: "ovs-dpdk", iftype: "vhostuser", bridge: { bridgeName: "br7" } }),
  "vpp memif": network({ engine: "vpp", iftype: "memif", memif: { role: "master" } }),
  "vpp memif, bridge": network({
    engine: "vpp",
    iftype: "memif",
    netType: "bridge",
    memif: { role: "master" },
    bridge: { bridgeId: 4 }
  }),
  "vpp vhostuser": network({ engine: "vpp", iftype: "vhostuser" }),
  "vpp vhostuser, bridge": network({ engine: "vpp", iftype: "vhostuser", netType: "bridge", bridge: { bridgeId: 4 } })
}

const served: Readonly<Record<KeyNote["for"], (base: string) => boolean>> = {
  both: () => true,
  none: () => false,
  "ovs-dpdk": (base) => base === "ovs-dpdk",
  vpp: (base) => base.startsWith("vpp"),
  vhostuser: (base) => !base.includes("memif"),
  "vpp memif": (base) => base.startsWith("vpp memif"),
  "vpp vhostuser": (base) => base.startsWith("vpp vhostuser")
}

const put = (into: Json, [key = "", ...rest]: ReadonlyArray<string>, value: unknown): Json => {
  const inner = into[key]
  return { ...into, [key]: rest.length === 0 ? value : put(Predicate.isObject(inner) ? { ...inner } : {}, rest, value) }
}

const without = (from: Json, [key = "", ...rest]: ReadonlyArray<string>): Json => {
  const { [key]: inner, ...others } = from
  if (rest.length === 0) return others
  return Predicate.isObject(inner) ? { ...others, [key]: without({ ...inner }, rest) } : from
}

/** All that the plugin makes of a configuration, or the reason why it refuses it. */
const made = (configuration: Json): unknown =>
  Result.match(accept(configuration), {
    onFailure: ({ message }) => message,
    onSuccess: ({ port, version }) => ({ port, version })
  })

const changes = (base: string, path: string, example: unknown): boolean => {
  const configuration = bases[base] ?? {}
  return JSON.stringify(made(put(configuration, path.split("."), example))) !== JSON.stringify(made(configuration))
}

describe("docs/configuration.md", () => {
  for (const [path, { absent, example, for: whom }] of Object.entries(keyNotes)) {
    if (!path.startsWith("host.") || path === "host.engine" || path === "host.iftype") continue

    it(`${path} changes what it says it is for: ${whom}`, () => {
      const changed = Object.keys(bases).filter((base) => changes(base, path, example))
      const unexpected = changed.filter((base) => !served[whom](base))
      assert.deepStrictEqual(unexpected, [])
      // A VLAN or a bridge needs a bridge, and an MTU none: one port of each kind is enough.
      for (const engine of ["ovs-dpdk", "vpp"]) {
        const mine = Object.keys(bases).filter((base) => base.startsWith(engine) && served[whom](base))
        if (mine.length > 0)
          assert.isTrue(
            mine.some((base) => changed.includes(base)),
            `${engine}: no change`
          )
      }
    })

    if ("value" in absent) {
      it(`${path} left out is ${JSON.stringify(absent.value)}`, () => {
        for (const base of Object.values(bases)) {
          const bare = without(base, path.split("."))
          assert.deepStrictEqual(made(put(bare, path.split("."), absent.value)), made(bare))
        }
      })
    }
  }

  it("the required keys are", () => {
    for (const path of ["name", "host", "host.engine", "host.iftype", "host.memif.role"]) {
      assert.match(
        String(made(without(bases["vpp memif"] ?? {}, path.split(".")))),
        new RegExp(path.replace(".", "\\."))
      )
    }
  })
})
