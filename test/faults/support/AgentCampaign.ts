/**
 * A campaign whose calls an agent makes for their processes, with the columns of that: whoever of the two is signalled. As a
 * whole with `AGENT=1`; else what is left to nobody but the agent, at the steps that change something.
 */
import { campaign, type Options } from "./Campaign.ts"
import { throughAgent } from "./Columns.ts"

const isWhole = process.env["AGENT"] === "1"

/** A call that goes wrong by itself goes wrong in an agent as in a process, and so does one whose switch does. */
const signals = new Set(["agent SIGKILL late", "caller SIGKILL late", "caller SIGTERM late"])

export const agentCampaign = (name: string, options: Omit<Options, "columns" | "like">): void =>
  campaign(name, {
    ...options,
    columns: throughAgent,
    ...(isWhole ? {} : { like: { name: "a run with AGENT=1", but: () => true, struck: [], only: signals } })
  })
