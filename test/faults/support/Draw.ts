/**
 * A part of a campaign, drawn anew in each run: `PART=3` runs one cell in three, and at least one of each fault for each kind of
 * call. `SEED`, which the run prints, repeats it.
 */
import { createHash, randomInt } from "node:crypto"

/** Of so many cells of a campaign one is run. */
const { PART: every = "1" } = process.env

/** Once, before the campaigns, whose processes inherit it. */
export const choose = (): void => {
  process.env["SEED"] ??= String(randomInt(1_000_000))
  process.stdout.write(`faults: SEED=${process.env["SEED"]} PART=${every} repeats what is drawn here\n`)
}

export interface Part {
  readonly every: number
  readonly seed: string
}

/** `share`: of the cells of this campaign one in so many, also where others are whole. */
export const partOf = (share = 1): Part => ({ every: Number(every) * share, seed: process.env["SEED"] ?? "" })

/** Those of these steps that are drawn; `name` tells the draws of one run apart. */
export const drawn = <A extends { readonly step: string }>(
  name: string,
  steps: ReadonlyArray<A>,
  part: Part
): ReadonlyArray<A> => {
  const number = ({ step }: A): string => createHash("sha256").update(`${part.seed} ${name} ${step}`).digest("hex")
  const shuffled = steps.toSorted((one, other) => (number(one) < number(other) ? -1 : 1))
  return part.every === 1 ? steps : shuffled.slice(0, Math.ceil(steps.length / part.every))
}
