/** The releases that the server can be, and what of them is not in the model. */
import { traitsOf } from "../../../src/dry-run/vpp/VppModel.ts"

export type Release = "21.10" | "23.02" | "26.06"

export const release = (name: Release) => {
  const version = `${name}-release`
  return {
    version,
    model: traitsOf(version),
    /** From 25.06: so many connections that drop at once without a goodbye hang VPP for ever. */
    fatalDrops: name === "26.06" ? 16 : Infinity
  }
}
