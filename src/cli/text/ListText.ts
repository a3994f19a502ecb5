/** Attachments as a table for people. Pure. */
import type { Listed } from "../../attachment/node/Listing.ts"
import type { Style } from "./PlanText.ts"
import { table } from "./Table.ts"

const heads = ["NETWORK", "POD", "CONTAINER", "INTERFACE", "SWITCH", "PORT", "STATE"]

export const listTable = (attachments: ReadonlyArray<Listed>, { strong }: Style): string =>
  table(heads, attachments.map(cells), strong)

const cells = ({ containerId, engine, ifName, network, pod, port, ...more }: Listed): ReadonlyArray<string> => [
  network ?? "-",
  pod === null ? "-" : `${pod.namespace}/${pod.name}`,
  containerId.slice(0, 12) || "-",
  ifName ?? "-",
  engine ?? "-",
  port ?? "-",
  stateOf(more)
]

export const stateOf = ({
  lastState,
  recorded,
  sandbox,
  state
}: Pick<Listed, "lastState" | "recorded" | "sandbox" | "state">): string =>
  [
    state,
    ...(lastState === null ? [] : [`was ${lastState}`]),
    ...(recorded || state === "original" || state === "fork" ? [] : ["no record"]),
    ...(sandbox === "gone" ? ["sandbox gone"] : [])
  ].join(", ")
