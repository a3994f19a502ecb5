/**
 * A campaign whose calls an agent makes for their processes, with the columns of that: whoever of the two is signalled. As a
 * whole with `AGENT=1`; else a part is drawn of each, because most steps go wrong in an agent as in a process of one call.
 */
import { campaign, type Options } from "./Campaign.ts"
import { throughAgent } from "./Columns.ts"

const share = process.env["AGENT"] === "1" ? 1 : 8

export const agentCampaign = (name: string, options: Omit<Options, "columns" | "like" | "share">): void =>
  campaign(name, { ...options, columns: throughAgent, share })
