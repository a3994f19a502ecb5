/** In what the releases differ, as far as a client can see it. */

export type Release = "21.10" | "23.02" | "26.06"

export interface Traits {
  readonly version: string
  /** From 23.06: only `[A-Za-z0-9_./-]` in a memif path, 106 bytes of it; a live listener is left alone. */
  readonly strictSockets: boolean
  /** From 23.06: a memif socket id on which a create has failed makes no socket file any more. */
  readonly poisonsSockets: boolean
  /** From 25.06: so many connections that drop at once without a goodbye hang VPP for ever. */
  readonly fatalDrops: number
}

export const traits: { readonly [R in Release]: Traits } = {
  "21.10": { version: "21.10-release", strictSockets: false, poisonsSockets: false, fatalDrops: Infinity },
  "23.02": { version: "23.02-release", strictSockets: false, poisonsSockets: false, fatalDrops: Infinity },
  "26.06": { version: "26.06-release", strictSockets: true, poisonsSockets: true, fatalDrops: 16 }
}
