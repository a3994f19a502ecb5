/** The releases of the server, and their properties that are not in the model. */
import { traitsOf } from "../model/VppModel.ts"

export type Release = "21.10" | "23.02" | "26.06"

export const release = (name: Release) => {
  const version = `${name}-release`
  return {
    version,
    model: traitsOf(version),
    /** Since 25.06: this many connections that drop at once without a disconnect hang VPP forever. */
    fatalDrops: name === "26.06" ? 16 : Infinity
  }
}
