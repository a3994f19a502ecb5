/** Runs `userspace list`. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Listing from "../../attachment/node/Listing.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { listTable } from "../text/ListText.ts"
import { agentJson, agentThere, withAgent } from "./AgentThere.ts"
import { failWith, onNode, print } from "./Node.ts"

export interface ListOptions {
  readonly network: Option.Option<string>
  readonly stateDir: string
  readonly ovs: Option.Option<string>
  readonly vpp: Option.Option<string>
  readonly json: boolean
}

export const performList = Effect.fnUntraced(function* ({ json, network, ovs, stateDir, vpp }: ListOptions) {
  const { style, variables } = yield* InvocationContext
  const controls: ReadonlyArray<Control> = [
    ...Option.toArray(ovs).map((control): Control => ({ engine: "ovs-dpdk", control })),
    ...Option.toArray(vpp).map((control): Control => ({ engine: "vpp", control }))
  ]
  const { attachments, doubts, problems } = yield* onNode(stateDir, (switches) =>
    Listing.list(switches, { controls, variables })
  )
  const wanted = attachments.filter((one) => Option.isNone(network) || one.network === network.value)
  const agent = yield* agentThere
  yield* print(
    json,
    {
      ...agentJson(agent),
      attachments: wanted,
      problems: [...problems, ...doubts].map(({ code, cure, failed }) => ({ code, failed, cure }))
    },
    withAgent(wanted.length === 0 ? nothing(stateDir, network) : listTable(wanted, style), agent)
  )
  yield* problems.length > 0
    ? failWith("the list may be incomplete", [...problems, ...doubts])
    : failWith("a switch does not answer; the state of its ports is unknown", doubts)
})

const nothing = (stateDir: string, network: Option.Option<string>): string => {
  const of = Option.match(network, { onNone: () => "", onSome: (name) => ` of network ${name}` })
  return `No attachments${of}: no record in ${stateDir}, no port on the switches that were inspected.`
}
