/** Runs `userspace list`. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Listing from "../../attachment/node/Listing.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { controlsOf, type SwitchOptions } from "../input/NodeFlags.ts"
import { listTable } from "../text/ListText.ts"
import type { Style } from "../text/Table.ts"
import { agentJson, agentThere, withAgent } from "./AgentThere.ts"
import { failWith, onNode, print, problemJson } from "./Node.ts"

export interface ListOptions extends SwitchOptions {
  readonly network: Option.Option<string>
  readonly stateDir: string
  readonly json: boolean
}

/** The attachments of the network that is asked for, or of all. */
export const listed = Effect.fnUntraced(function* (options: ListOptions) {
  const { network, stateDir } = options
  const { variables } = yield* InvocationContext
  const all = yield* onNode(stateDir, (switches) =>
    Listing.list(switches, { controls: controlsOf(options), variables })
  )
  const listing: Listing.Listing = {
    ...all,
    attachments: all.attachments.filter((one) => Option.isNone(network) || one.network === network.value)
  }
  return listing
})

export const listJson = ({ attachments, doubts, problems }: Listing.Listing) => ({
  attachments,
  problems: [...problems, ...doubts].map(problemJson)
})

export const listText = ({ network, stateDir }: ListOptions, { attachments }: Listing.Listing, style: Style): string =>
  attachments.length === 0 ? nothing(stateDir, network) : listTable(attachments, style)

export const performList = Effect.fnUntraced(function* (options: ListOptions) {
  const { style } = yield* InvocationContext
  const listing = yield* listed(options)
  const agent = yield* agentThere
  yield* print(
    options.json,
    { ...agentJson(agent), ...listJson(listing) },
    withAgent(listText(options, listing, style), agent)
  )
  const { doubts, problems } = listing
  yield* problems.length > 0
    ? failWith("the list may be incomplete", [...problems, ...doubts])
    : failWith("a switch does not answer; the state of its ports is unknown", doubts)
})

const nothing = (stateDir: string, network: Option.Option<string>): string => {
  const of = Option.match(network, { onNone: () => "", onSome: (name) => ` of network ${name}` })
  return `No attachments${of}: no record in ${stateDir}, no port on the switches that were inspected.`
}
