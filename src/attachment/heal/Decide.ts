/**
 * Decides what to do about an inspection, from it and the memory of earlier ones. Pure: the state between two rounds is
 * a value.
 *
 * A round runs beside ADD, DEL, GC and `userspace restore`, in this process and in others, and takes no lock that they
 * would wait for. These rules keep order:
 *
 * - An ADD is running. Its record is read-only until its end, and stays so after a kill: the port belongs to the ADD.
 *   Nothing is done while its sandbox exists, and for longer than any ADD takes after it is gone. Without its sandbox,
 *   a later ADD fails.
 * - A DEL is running. It marks the record before it searches for the port. Either the mark is seen, and nothing is
 *   done; or `verbs/Restore.ts` sees it after it has created the port, and removes the port; or the DEL has not
 *   searched yet.
 * - Another restore is running. Both hold the attachment's lock while they work, so one of them skips it.
 * - A DEL of healing meets the runtime's. Each finds less to do: a repeated DEL has nothing to remove, and succeeds.
 * - The runtime deletes and adds the same attachment again after the inspection. Immediately before a change the
 *   record is read again, and nothing is done if another ADD wrote it, or its sandbox exists. A DEL and an ADD of the
 *   same container ID that both happen during our DEL would still meet it. No runtime uses an ID twice.
 * - A port is seen without its record, because its ADD began after the records were read. They are read again.
 * - VPP reuses sw_if_index values. Every change of a port there inspects it first and holds the attachment's lock.
 */
import type { Owned } from "../../vswitch/Vswitch.ts"
import { idOf } from "../node/Survey.ts"
import type { Record } from "../records/Record.ts"
import type { Seen, Sight } from "./Look.ts"

/** The last action for an attachment. */
interface Try {
  readonly at: number
  /** Number of failures in a row. */
  readonly failures: number
}

/** The memory of one switch. */
export interface Memory {
  /** Missing sandboxes, with the time since when they are known to be gone. */
  readonly gone: ReadonlyMap<string, number>
  readonly tries: ReadonlyMap<string, Try>
  /** When the switch was last reached again. A loss by its restart needs no waiting time. */
  readonly returned: number | undefined
}

export const nothing: Memory = { gone: new Map(), tries: new Map(), returned: undefined }

export interface Policy {
  /** `all`: changes that somebody made to a port are reverted as well. */
  readonly repair: "missing" | "all"
  /** The longest duration of an ADD or DEL, in milliseconds. */
  readonly longest: number
  /** Those whose port is left away. */
  readonly isIsolated?: (record: Record) => boolean
  /** The time before which a port is not made. */
  readonly heldUntil?: (id: string) => number
}

type Deed = "restore" | "repair" | "delete"

export type Action =
  | { readonly _tag: "Do"; readonly deed: Deed; readonly record: Record; readonly found: Seen }
  | { readonly _tag: "Wait"; readonly deed: Deed; readonly until: number }
  | { readonly _tag: "Report" }

type Kind = "missing" | "isolated" | "forgotten" | "changed" | "stale" | "unrecorded"

export interface Finding {
  readonly kind: Kind
  readonly about: Seen | Owned
  readonly words: string
  readonly action: Action
}

interface Decision {
  readonly findings: ReadonlyArray<Finding>
  readonly memory: Memory
}

/** Between two observations of a missing sandbox, and between two repairs of a port. */
export const minute = 60_000
const firstBackoff = 5_000
const lastBackoff = 10 * minute

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
  const { heldUntil = () => 0, isIsolated = () => false } = policy
  if (seen.sandbox === "gone") return stale(seen, now, memory, policy)
  const { port, sandbox, stage } = seen
  if (stage !== "whole" || sandbox !== "there" || port._tag === "Unasked") return []
  const id = idOf(seen.record)
  const from = Math.max(earliest(memory.tries.get(id), memory), heldUntil(id))
  const found = (kind: Kind, words: string, deed: Deed | undefined): Finding => ({
    kind,
    about: seen,
    words,
    action: deed === undefined ? report : inTime(seen, deed, now, from)
  })
  if (port._tag === "Missing" && isIsolated(seen.record)) return [found("isolated", isolatedWords, undefined)]
  if (port._tag === "Missing") return [found("missing", port.words, "restore")]
  const { changed, forgotten } = port
  // A repair also restores what was forgotten.
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
  // A call that works on it ends within this time, with success or not.
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

const isolatedWords = "its port is left away: the switch has ended again and again when it was put back"

const report: Action = { _tag: "Report" }

const inTime = (found: Seen, deed: Deed, now: number, from: number): Action =>
  now >= from ? { _tag: "Do", deed, record: found.record, found } : { _tag: "Wait", deed, until: from }

/** Returns the earliest time of the next action. */
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

/** `absent`: the switch was unreachable, which is no failure of the attachment. */
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

export const never = Number.POSITIVE_INFINITY

/** Returns the time of the first waiting action, or `never`. */
export const due = (findings: ReadonlyArray<Finding>): number =>
  Math.min(...findings.flatMap(({ action }) => (action._tag === "Wait" ? [action.until] : [])))
