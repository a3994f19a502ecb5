/**
 * The ends of one switch: who is suspected of them, and who is kept away from it. `Suspicion.ts` decides; this finds out
 * whose port was there, when it was made, and when its socket was connected to. Only VPP loses its ports when it ends:
 * Open vSwitch has them again before anybody could be held back.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { keyOf, shortId } from "../../identity/Attachment.ts"
import { Files } from "../../platform/Files.ts"
import { controlOf, idOf, millis } from "../node/Survey.ts"
import { isSame, nameOf } from "../node/Switches.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { acquit, isIsolated, type Suspect, suspect, suspectOf, suspects } from "../records/Suspects.ts"
import { isTooMuch, judge, nobody, type Present, type Suspicion } from "./Suspicion.ts"

export interface End {
  readonly at: Control
  /** Whose process is most likely to have ended it; undefined: nobody's. */
  readonly suspect: Record | undefined
  /** Its port is left away from now on. */
  readonly isIsolated: boolean
}

/** A file of a suspect is removed after this time. Isolation lasts. */
const forgotten = 24 * 3_600_000

export const make = (at: Control, variables: Variables) => {
  let suspicion: Suspicion = nobody
  let until = 0
  /** When the switch ended last. Ports that were not made since then are not there. */
  let began: number | undefined
  const tried = new Map<string, number>()

  const presentOf = Effect.fnUntraced(function* (record: Record) {
    const there = yield* Effect.orElseSucceed((yield* Files).lstat(record.place.socketPath), () => undefined)
    const connected =
      there?.kind === "socket" && there.accessed > there.modified && there.accessed >= (began ?? 0)
        ? there.accessed
        : undefined
    const since = Date.parse(record.since)
    const made = tried.get(idOf(record)) ?? (since >= (began ?? 0) ? since : undefined)
    const back = made ?? (connected === undefined ? undefined : began)
    return back === undefined ? [] : [{ id: idOf(record), back, connected } satisfies Present]
  })

  const note = Effect.fnUntraced(function* (
    record: Record,
    known: Suspect | undefined,
    convicted: boolean,
    when: number
  ) {
    const ends = [...(known?.ends ?? []), ...(convicted ? [when] : [])]
    const isolated = known?.isolated === true || isTooMuch(ends, when)
    yield* suspect(record, { invocation: record.invocation, last: when, ends, isolated })
    yield* Effect.logWarning(
      isolated
        ? `${inWords(record)}: its port is left away, because the switch has ended ${ends.length} times when it was put back. \`userspace restore\` with --pod or --container-id makes it again`
        : `${inWords(record)}: its application may have ended the switch`
    )
    return isolated
  })

  const ended = Effect.fnUntraced(function* (when: number) {
    yield* Effect.logWarning(`${nameOf(at)} has ended`)
    if (at.engine !== "vpp") return { at, suspect: undefined, isIsolated: false } satisfies End
    const known = yield* suspects
    const all = yield* (yield* Records).all
    const mine = all.filter((record) => {
      const own = controlOf(record, variables)
      return own !== undefined && isSame(own, at) && !isIsolated(known, record)
    })
    const present = (yield* Effect.forEach(mine, presentOf)).flat()
    const verdict = judge(suspicion, present, when)
    const acquitted = suspicion.held.filter((id) => verdict.suspicion.acquitted.includes(id))
    suspicion = verdict.suspicion
    began = when
    tried.clear()
    const ids = new Map(all.map((record) => [keyOf(record), record] as const))
    for (const [key, { isolated, last }] of known) {
      const record = ids.get(key)
      const current = record !== undefined && suspectOf(known, record) !== undefined
      const free = !isolated && (when - last > forgotten || (record !== undefined && acquitted.includes(idOf(record))))
      if (!current || free) yield* acquit(key)
    }
    const first = mine.find((record) => idOf(record) === verdict.first)
    if (first === undefined) return { at, suspect: undefined, isIsolated: false } satisfies End
    const isolated = yield* note(first, suspectOf(known, first), verdict.convicted !== undefined, when)
    return { at, suspect: first, isIsolated: isolated } satisfies End
  })

  return {
    /** Its port is about to be made. */
    attempting: (record: Record) => Effect.map(Clock.currentTimeMillis, (now) => void tried.set(idOf(record), now)),
    /** The switch is there again. */
    reached: Effect.map(millis, (now) => {
      until = now + suspicion.pause
    }),
    /** Until when its port is not made, on the clock of `millis`. */
    heldUntil: (id: string): number => (suspicion.held.includes(id) ? until : 0),
    /** `when`: in milliseconds since 1970. */
    ended: (when: number) =>
      Effect.catch(ended(when), ({ failed }) =>
        Effect.as(Effect.logWarning(failed), { at, suspect: undefined, isIsolated: false } satisfies End)
      )
  }
}

const inWords = (record: Record): string =>
  `${record.ifName} of container ${shortId(record)}, network ${record.network}`
