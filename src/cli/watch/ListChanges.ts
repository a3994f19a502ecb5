/** What has changed between two lists of attachments. Pure. */
import type { Listed } from "../../attachment/node/Listing.ts"
import { stateOf } from "../text/ListText.ts"

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
  const name = pod === null ? "-" : `${pod.namespace}/${pod.name}`
  const cells = [time, what, network, name, containerId.slice(0, 12) || null, ifName, engine, port]
  return [...cells.map((cell) => cell ?? "-"), stateOf(one)].join("  ")
}
