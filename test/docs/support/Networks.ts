/** Networks of every kind of port, with keys set and absent, and what the plugin makes of them. */
import { Predicate, Result } from "effect"
import type { KeyNote } from "../../../scripts/docs/KeyNotes.ts"
import type { Variables } from "../../../src/cni/types/Environment.ts"
import { accept } from "./Accept.ts"

export type Json = Readonly<Record<string, unknown>>

const network = (host: Json) => ({ cniVersion: "1.0.0", type: "userspace", name: "n", host })

export const bases = {
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
} satisfies Readonly<Record<string, Json>>

/** Whether a key for these applies to the port of a base. */
export const served: Readonly<Record<KeyNote["for"], (base: string) => boolean>> = {
  both: () => true,
  "the plugin": () => false,
  "the runtime": () => false,
  nobody: () => false,
  "ovs-dpdk": (base) => base === "ovs-dpdk",
  vpp: (base) => base.startsWith("vpp"),
  vhostuser: (base) => !base.includes("memif"),
  "vpp memif": (base) => base.startsWith("vpp memif"),
  "vpp vhostuser": (base) => base.startsWith("vpp vhostuser")
}

const within = (from: unknown): Json => (Predicate.isObject(from) ? { ...from } : {})

const placed = (into: Json, [key = "", ...rest]: ReadonlyArray<string>, value: unknown): Json => ({
  ...into,
  [key]: rest.length === 0 ? value : placed(within(into[key]), rest, value)
})

export const put = (into: Json, path: string, value: unknown): Json => placed(into, path.split("."), value)

const left = (from: Json, [key = "", ...rest]: ReadonlyArray<string>): Json => {
  const { [key]: inner, ...others } = from
  if (rest.length === 0) return others
  return Predicate.isObject(inner) ? { ...others, [key]: left({ ...inner }, rest) } : from
}

export const without = (from: Json, path: string): Json => left(from, path.split("."))

export const at = (from: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((inner, key) => within(inner)[key], from)

/** The plugin's result for a configuration, or the reason of its refusal. */
export const made = (configuration: Json, variables?: Variables): unknown =>
  Result.match(accept(configuration, variables), {
    onFailure: ({ message }) => message,
    onSuccess: ({ port, version }) => ({ port, version })
  })

/** The port of an accepted configuration. */
export const portOf = (configuration: Json, variables?: Variables): Json => ({
  ...Result.getOrThrow(accept(configuration, variables)).port
})
