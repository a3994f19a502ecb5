/** Calls of VPP's API as text for people, and the lines for `vppctl` that do the same. Pure. */
import type { Change, VppChange } from "../../dry-run/plan/Plan.ts"
import { anyMac } from "../../vpp/wire/Address.ts"
import { retvalInWords } from "../../vpp/wire/Retval.ts"

/** Merges consecutive writes into one list. */
export const joined = (changes: ReadonlyArray<Change>): ReadonlyArray<Change> => {
  const lists: Array<Change> = []
  for (const change of changes) {
    const last = lists.at(-1)
    if (change.kind === "vpp" && last?.kind === "vpp" && last.socket === change.socket) {
      lists[lists.length - 1] = { ...last, calls: [...last.calls, ...change.calls] }
    } else lists.push(change)
  }
  return lists
}

export const callLines = ({ calls }: VppChange): ReadonlyArray<string> =>
  calls.map(({ arguments: values, message, retval }) =>
    [
      message,
      ...Object.entries(values).flatMap(([key, value]) =>
        key !== "is_add" && isDefault(value) ? [] : [`${key}=${shown(value)}`]
      ),
      ...(retval === undefined ? [] : [`(${retvalInWords(retval)}, which is expected)`])
    ].join(" ")
  )

/** VPP's default. */
const isDefault = (value: unknown): boolean => [0, false, "", anyMac].some((one) => one === value)

const shown = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(",") : String(value))

/** A socket id is registered, freed and registered again, because of a fault of VPP; one line is sufficient here. */
export const vppctlLines = ({ calls }: VppChange): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const line of calls.flatMap(({ vppctl }) => vppctl)) {
    const [, id] = /^delete memif socket id (\d+)$/.exec(line) ?? []
    if (id !== undefined && lines.at(-1)?.startsWith(`create memif socket id ${id} `)) lines.pop()
    else lines.push(line)
  }
  return lines.map((line) => `vppctl ${line}`)
}
