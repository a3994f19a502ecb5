/** The configurations on VPP with different steps. */
import type { Options } from "./Campaign.ts"
import * as VppGround from "./VppGround.ts"

interface Configuration {
  readonly ground: VppGround.Options
  /** All faults run at its own steps only. */
  readonly ownOnly: boolean
}

export const all = {
  memif: {
    ground: { host: { iftype: "memif", netType: "bridge", memif: { role: "master" }, bridge: { bridgeName: "4" } } },
    ownOnly: false
  },
  "memif with addresses": {
    ground: { host: { iftype: "memif", netType: "interface", memif: { role: "master" } } },
    ownOnly: true
  },
  "vhost-user on an administrator's bridge domain": {
    ground: {
      host: { iftype: "vhostuser", netType: "bridge", vhost: { mode: "server" }, bridge: { bridgeName: "9" } },
      domain: 9
    },
    ownOnly: true
  }
} satisfies Readonly<Record<string, Configuration>>

export const inTypeScript = "VPP in TypeScript"

export const on = (
  { ground, ownOnly }: Configuration,
  prefix?: string
): Pick<Options, "ground" | "blows" | "like"> => ({
  ground: VppGround.make(prefix === undefined ? ground : { ...ground, prefix }),
  blows: VppGround.blows,
  // Steps on files are the same on any switch.
  ...(ownOnly || prefix !== undefined
    ? { like: { name: `${inTypeScript}, memif`, but: ({ edge }) => edge === "Sockets", struck: VppGround.blows } }
    : {})
})
