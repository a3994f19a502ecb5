/** Attachments as a table for people, and what has changed between two of them. Pure. */
import type { Listed } from "../../attachment/node/Listing.ts"
import { podName, type Style, table } from "./Table.ts"

const heads = ["NETWORK", "POD", "CONTAINER", "INTERFACE", "SWITCH", "PORT", "STATE"]

export const listTable = (attachments: ReadonlyArray<Listed>, { strong }: Style): string =>
  table(heads, attachments.map(cells), strong)

const cells = ({ containerId, engine, ifName, network, pod, port, ...more }: Listed): ReadonlyArray<string> => [
  network ?? "-",
  podName(pod),
  containerId.slice(0, 12) || "-",
  ifName ?? "-",
  engine ?? "-",
  port ?? "-",
  stateOf(more)
]

const stateOf = ({
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

interface Change {
  readonly what: "new" | "changed" | "gone"
  readonly one: Listed
}

const keyOf = ({ containerId, control, ifName, network, port }: Listed): string =>
  [network, containerId, ifName, control, port].join("\0")

/** In the order of the lists; what is gone comes first. */
export const changesBetween = (before: ReadonlyArray<Listed>, now: ReadonlyArray<Listed>): ReadonlyArray<Change> => {
  const earlier = new Map(before.map((one) => [keyOf(one), JSON.stringify(one)]))
  const keys = new Set(now.map(keyOf))
  return [
    ...before.filter((one) => !keys.has(keyOf(one))).map((one): Change => ({ what: "gone", one })),
    ...now.flatMap((one): ReadonlyArray<Change> => {
      const was = earlier.get(keyOf(one))
      return was === JSON.stringify(one) ? [] : [{ what: was === undefined ? "new" : "changed", one }]
    })
  ]
}

/** One line, of the columns that the table has. */
export const changeText = (time: string, { one, what }: Change): string => {
  const { containerId, engine, ifName, network, pod, port } = one
  const cells = [time, what, network, podName(pod), containerId.slice(0, 12) || null, ifName, engine, port]
  return [...cells.map((cell) => cell ?? "-"), stateOf(one)].join("  ")
}
