/**
 * What is to be done about what was seen, from this look and what is remembered of those before. Pure: the state between
 * two rounds is a value.
 *
 * A round runs beside ADD, DEL, GC and `userspace restore`, in this process and in others, and takes no lock that they would
 * wait for. What keeps order:
 *
 * - An ADD is under way. Its record is read-only until its end, and stays so when it was killed: the port is the ADD's
 *   business. Nothing is done while its sandbox is there, and for longer than any ADD takes after it has gone. A sandbox
 *   that is gone ends an ADD that comes later.
 * - A DEL is under way. It marks the record before it looks for the port. Either the mark is seen, and nothing is done; or
 *   `verbs/Restore.ts` sees it when it has made the port, and takes the port back; or the DEL has not looked yet.
 * - Another restore is at work. Both hold the attachment's own slot while they work, so one of them passes it over.
 * - A DEL of ours meets the runtime's. Each finds less to do: a repeated DEL has nothing to remove, and says so.
 * - The runtime deletes and adds the same attachment again after our look. Right before a change the record is read again,
 *   and left when another ADD wrote it, or when its sandbox is there. A DEL, and an ADD of the same container ID, that both
 *   happen within our DEL would still meet it. No runtime gives an ID twice.
 * - A port is seen without its record, because its ADD began after the records were read. They are read again.
 * - VPP gives sw_if_index values again. Whatever changes a port there looks first and holds the key of its attachment.
 */
import { keyOf } from "../../identity/Attachment.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"
import type { Record } from "../records/Record.ts"
import type { Seen, Sight } from "./Sight.ts"

/** Of the last thing that was done for an attachment. */
export interface Try {
  readonly at: number
  /** In a row. */
  readonly failures: number
}

/** What is remembered of one switch. */
export interface Memory {
  /** Sandboxes that are gone, since when they are known to be. */
  readonly gone: ReadonlyMap<string, number>
  readonly tries: ReadonlyMap<string, Try>
  /** When the switch was last reached again. What it has lost with its end is no reason to wait. */
  readonly returned: number | undefined
}

export const nothing: Memory = { gone: new Map(), tries: new Map(), returned: undefined }

export interface Policy {
  /** `all`: what somebody has changed on a port is undone as well. */
  readonly repair: "missing" | "all"
  /** The longest that an ADD or DEL takes, in milliseconds. */
  readonly longest: number
}

export type Deed = "restore" | "repair" | "delete"

export type Action =
  | { readonly _tag: "Do"; readonly deed: Deed; readonly record: Record; readonly found: Seen }
  | { readonly _tag: "Wait"; readonly deed: Deed; readonly until: number }
  | { readonly _tag: "Report" }

export type Kind = "missing" | "forgotten" | "changed" | "stale" | "unrecorded"

export interface Finding {
  readonly kind: Kind
  readonly about: Seen | Owned
  readonly words: string
  readonly action: Action
}

export interface Decision {
  readonly findings: ReadonlyArray<Finding>
  readonly memory: Memory
}

/** Between two sights of a sandbox that is gone, and between two repairs of a port. */
export const minute = 60_000
const firstBackoff = 5_000
const lastBackoff = 10 * minute

/** An attachment that was added again is another one. */
export const idOf = (record: Record): string => `${keyOf(record)}/${record.invocation}`

export const decide = (sight: Sight, memory: Memory, policy: Policy): Decision => {
  const gone = goneNow(sight, memory)
  const now = { ...memory, gone }
  return {
    findings: [
      ...sight.seen.flatMap((seen) => judge(seen, sight.now, now, policy)),
      ...sight.unrecorded.map(unrecorded)
    ],
    memory: { ...now, tries: sight.partial ? memory.tries : still(memory.tries, sight) }
  }
}

const goneNow = ({ now, partial, seen }: Sight, { gone }: Memory): Memory["gone"] => {
  const looked = new Set(seen.map(({ record }) => idOf(record)))
  return new Map([
    ...[...gone].filter(([id]) => partial && !looked.has(id)),
    ...seen
      .filter(({ sandbox }) => sandbox === "gone")
      .map(({ record }) => [idOf(record), gone.get(idOf(record)) ?? now] as const)
  ])
}

const still = (tries: Memory["tries"], { seen }: Sight): Memory["tries"] => {
  const recorded = new Set(seen.map(({ record }) => idOf(record)))
  return new Map([...tries].filter(([id]) => recorded.has(id)))
}

const judge = (seen: Seen, now: number, memory: Memory, policy: Policy): ReadonlyArray<Finding> => {
  if (seen.sandbox === "gone") return stale(seen, now, memory, policy)
  const { port, sandbox, stage } = seen
  if (stage !== "whole" || sandbox !== "there" || port._tag === "Unasked") return []
  const found = (kind: Kind, words: string, deed: Deed | undefined): Finding => ({
    kind,
    about: seen,
    words,
    action: deed === undefined ? report : inTime(seen, deed, now, earliest(memory.tries.get(idOf(seen.record)), memory))
  })
  if (port._tag === "Missing") return [found("missing", port.words, "restore")]
  const { changed, forgotten } = port
  // A repair makes what was forgotten as well.
  if (changed.length > 0 && policy.repair === "all") {
    return [found("changed", [...changed, ...forgotten].join("; "), "repair")]
  }
  return [
    ...(forgotten.length === 0 ? [] : [found("forgotten", forgotten.join("; "), "restore")]),
    ...(changed.length === 0 ? [] : [found("changed", changed.join("; "), undefined)])
  ]
}

const stale = (seen: Seen, now: number, memory: Memory, { longest }: Policy): ReadonlyArray<Finding> => {
  const { record, stage } = seen
  const since = memory.gone.get(idOf(record)) ?? now
  // What is at work on it ends in this time, well or not.
  const patience = stage === "whole" || stage === "deferred" ? minute : Math.max(minute, longest)
  const earliestDelete = Math.max(since + patience, earliest(memory.tries.get(idOf(record)), memory))
  return [
    {
      kind: "stale",
      about: seen,
      words: `its sandbox ${record.netns} is gone`,
      action: inTime(seen, "delete", now, earliestDelete)
    }
  ]
}

const report: Action = { _tag: "Report" }

const inTime = (found: Seen, deed: Deed, now: number, from: number): Action =>
  now >= from ? { _tag: "Do", deed, record: found.record, found } : { _tag: "Wait", deed, until: from }

/** When something may be done for it again. */
const earliest = (last: Try | undefined, { returned }: Memory): number => {
  if (last === undefined || (returned !== undefined && returned > last.at)) return 0
  return last.at + (last.failures === 0 ? minute : Math.min(firstBackoff * 2 ** (last.failures - 1), lastBackoff))
}

const unrecorded = (owned: Owned): Finding => ({
  kind: "unrecorded",
  about: owned,
  words: `port ${owned.port} has the plugin's mark, but no record`,
  action: report
})

/** `absent`: the switch could not be asked, which says nothing of the attachment. */
export type Ending = "done" | "failed" | "absent"

export const remember = (memory: Memory, at: number, ended: ReadonlyArray<readonly [Record, Ending]>): Memory => ({
  ...memory,
  tries: new Map([
    ...memory.tries,
    ...ended.map(([record, ending]) => {
      const before = memory.tries.get(idOf(record))?.failures ?? 0
      const failures = ending === "done" ? 0 : ending === "absent" ? Math.max(before, 1) : before + 1
      return [idOf(record), { at, failures }] as const
    })
  ])
})

/** When the first of what waits is due. */
export const due = (findings: ReadonlyArray<Finding>): number | undefined => {
  const times = findings.flatMap(({ action }) => (action._tag === "Wait" ? [action.until] : []))
  return times.length === 0 ? undefined : Math.min(...times)
}
