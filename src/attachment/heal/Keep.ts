/**
 * Rounds of healing while the scope lasts. Each switch has one at the start, when it becomes reachable, when one of our
 * objects is removed or changed there, when a sandbox of its attachments has gone, when a waiting action is due, and
 * periodically; none while it is unreachable. Each has its own fiber, so that a hanging one delays no other.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import { type Identity, keyOf } from "../../identity/Attachment.ts"
import type { Ipam } from "../../ipam/Ipam.ts"
import type { Edges } from "../../platform/Edges.ts"
import { Namespaces } from "../../platform/Namespaces.ts"
import { undying } from "../../program/Undying.ts"
import type { SharedDir } from "../../shared-dir/SharedDir.ts"
import type { News, Watch } from "../../vswitch/Watch.ts"
import { controlOf, idOf, millis } from "../node/Survey.ts"
import { distinct, isSame, nameOf } from "../node/Switches.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { sweepUnfinished } from "../records/Suspects.ts"
import type { Acted } from "./Act.ts"
import { type Memory, never, nothing } from "./Decide.ts"
import * as Ends from "./Ends.ts"
import {
  logNew,
  type OfNode,
  type OfSwitch,
  type Options,
  ofNode,
  ofSwitch,
  type Reported,
  type Rounds
} from "./Round.ts"

interface KeepOptions extends Options {
  readonly watch: (at: Control) => Watch
  /** Switches that are watched whether or not something is on them. */
  readonly also?: ReadonlyArray<Control>
  /** Interval of the rounds that no event triggers. */
  readonly every?: Duration.Duration
  /** Interval of the looks at records: for sandboxes that have gone, and switches that are new. */
  readonly sandboxes?: Duration.Duration
  readonly observer?: Observer
}

/** Is told of what happens, and does nothing about it. */
export interface Observer {
  readonly news: (at: Control, news: News) => void
  /** A round of a switch, and what is known of it now. */
  readonly round: (round: OfSwitch, last: OfSwitch) => void
  /** The switch has ended: its process, most likely. */
  readonly end?: (end: Ends.End) => void
  /** A round of what belongs to no switch. */
  readonly node: (node: OfNode) => void
  /** Nothing of the node is on this switch any more. */
  readonly ended: (at: Control) => void
}

export interface Kept {
  /** Resumes when each switch has had its first round, or is unreachable. */
  readonly first: Effect.Effect<void>
  /** The last round of each switch; undefined before the first. */
  readonly last: () => Rounds | undefined
  /** A call has used this switch: one that is not watched yet has its first round now. */
  readonly used: (at: Control) => void
}

type Services = Edges | Ipam | Records | SharedDir

/** Simultaneous events, such as the removal of a bridge with its ports, are handled in one round. */
const together = "50 millis"

export const keep = Effect.fn("heal.keep")(function* (
  options: KeepOptions
): Effect.fn.Return<Kept, never, Services | Scope.Scope> {
  const { also = [], every = Duration.minutes(5), sandboxes = Duration.minutes(1) } = options
  const scope = yield* Effect.scope
  if (!options.dry) yield* sweepUnfinished
  const keepers = new Map<string, Keeper>()
  const begun = Deferred.makeUnsafe<void>()
  let node: OfNode | undefined
  const told: Reported = new Set()

  const isNamed = (at: Control) => node?.named.some((one) => isSame(one, at)) === true

  const round = Effect.gen(function* () {
    const now = yield* ofNode(options)
    node = now
    const watched = distinct([...now.switches, ...also])
    options.observer?.node(now)
    yield* logNew(told, now.found)
    const names = new Set(watched.map(nameOf))
    for (const [name, { at, end }] of keepers) {
      if (names.has(name)) continue
      keepers.delete(name)
      yield* end
      options.observer?.ended(at)
    }
    for (const at of watched) {
      const name = nameOf(at)
      if (!keepers.has(name)) keepers.set(name, yield* Scope.provide(keeper(at, every, options, isNamed), scope))
    }
    Deferred.doneUnsafe(begun, Exit.void)
  })
  const early = yield* Queue.sliding<void>(1)
  const used = (at: Control) => {
    if (!keepers.has(nameOf(at))) Queue.offerUnsafe(early, undefined)
  }
  const next = Effect.race(Queue.take(early), jittered(every))
  yield* Effect.forkIn(Effect.forever(Effect.andThen(lasting(round), next)), scope)

  let known: ReadonlySet<string> = new Set()
  /** No switch sends an event for a sandbox that has gone. What cannot be read is left to the next look. */
  const look = Effect.gen(function* () {
    const { judge } = yield* Namespaces
    const recorded = yield* Effect.orElseSucceed((yield* Records).all, (): ReadonlyArray<Record> => [])
    const gone = yield* Effect.filter(recorded, ({ netns }) => Effect.map(judge(netns), (kind) => kind === "missing"))
    for (const record of gone) {
      const at = known.has(idOf(record)) ? undefined : controlOf(record, options.variables)
      if (at !== undefined) keepers.get(nameOf(at))?.tell({ _tag: "Changed", attachments: [record] })
    }
    known = new Set(gone.map(idOf))
    // The first attachment on a switch whose socket is not where it is by default, if another process added it.
    const named = recorded.flatMap((record) => controlOf(record, options.variables) ?? [])
    for (const at of named) used(at)
  })
  yield* Effect.forkIn(Effect.forever(Effect.andThen(jittered(sandboxes), lasting(look))), scope)

  return {
    first: Effect.andThen(
      Deferred.await(begun),
      Effect.suspend(() =>
        Effect.forEach([...keepers.values()], ({ first }) => first, { concurrency: "unbounded", discard: true })
      )
    ),
    last: () =>
      node === undefined ? undefined : { node, switches: [...keepers.values()].flatMap(({ last }) => last() ?? []) },
    used
  }
})

/** Adds jitter, because all nodes of a cluster may start together. */
const jittered = (every: Duration.Duration) =>
  Effect.flatMap(Random.nextBetween(0.8, 1.2), (factor) => Effect.sleep(Duration.times(every, factor)))

const lasting = undying("a round of healing has failed")

type Keeper = Effect.Success<ReturnType<typeof keeper>>

/** Events since the last round. */
interface Pending {
  /** True: inspect everything. */
  all: boolean
  reached: boolean
  /** When the switch ended, in milliseconds since 1970. */
  ended: number | undefined
  readonly changed: Map<string, Identity>
}

const keeper = Effect.fnUntraced(function* (
  at: Control,
  every: Duration.Duration,
  options: KeepOptions,
  isNamed: (at: Control) => boolean
) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const first = Deferred.makeUnsafe<void>()
  const wake = yield* Queue.sliding<void>(1)
  const told: Reported = new Set()
  let pending: Pending = none()
  /** Why the switch is unreachable; undefined: it is reachable. */
  let lost: Explained | "unknown" | undefined = "unknown"
  let memory: Memory = nothing
  let last: OfSwitch | undefined
  let due = never
  const { attempting, ended, heldUntil, reached: back } = Ends.make(at, options.variables)
  const clock = yield* Clock.Clock

  const tell = (news: News) => {
    options.observer?.news(at, news)
    if (news._tag === "Lost") {
      if (news.ended && lost === undefined) pending.ended = clock.currentTimeMillisUnsafe()
      lost = news.error
    } else if (news._tag === "Reached") {
      lost = undefined
      pending.all = true
      pending.reached = true
    } else for (const one of news.attachments) pending.changed.set(keyOf(one), one)
    Queue.offerUnsafe(wake, undefined)
  }

  const round = Effect.gen(function* () {
    const { all, changed, reached } = pending
    pending = none()
    if (reached) {
      memory = { ...memory, returned: yield* millis }
      yield* back
    }
    const only = all ? undefined : [...changed.values()]
    const now = yield* ofSwitch(at, memory, { ...options, attempting, heldUntil }, only)
    memory = now.memory
    due = Math.min(now.due, all ? never : due)
    last = only === undefined ? now : merged(last, now, changed)
    options.observer?.round(now, last)
    yield* logNew(told, now.found, only !== undefined)
    Deferred.doneUnsafe(first, Exit.void)
  })

  const away = (error: Explained) =>
    Effect.sync(() => {
      last = {
        ...(last ?? { at, when: 0, looked: 0, found: [], memory, due: never }),
        silent: isNamed(at) ? [error] : []
      }
      Deferred.doneUnsafe(first, Exit.void)
    })

  const turn = Effect.gen(function* () {
    const idle = yield* idleFor(lost === undefined ? due : never, every)
    const woken = yield* Effect.timeoutOption(Queue.take(wake), idle)
    if (woken._tag === "None") pending.all = true
    else yield* Effect.sleep(together)
    if (lost === "unknown") return
    if (pending.ended !== undefined) {
      const when = pending.ended
      pending.ended = undefined
      const end = yield* ended(when)
      options.observer?.end?.(end)
    }
    if (lost !== undefined) return yield* away(lost)
    if (pending.all || pending.changed.size > 0) yield* round
  })

  yield* Effect.forkIn(Effect.scoped(options.watch(at)(tell)), scope)
  yield* Effect.forkIn(Effect.forever(lasting(turn)), scope)
  return { tell, at, first: Deferred.await(first), last: () => last, end: Scope.close(scope, Exit.void) }
})

const none = (): Pending => ({ all: false, reached: false, ended: undefined, changed: new Map() })

/** Returns the time until the next round without an event. */
const idleFor = Effect.fnUntraced(function* (due: number, every: Duration.Duration) {
  const wait = Duration.toMillis(every) * (yield* Random.nextBetween(0.8, 1.2))
  return Duration.millis(Math.max(100, Math.min(wait, due - (yield* millis))))
})

/** Keeps the findings of attachments that were not inspected. */
const merged = (before: OfSwitch | undefined, now: OfSwitch, looked: ReadonlyMap<string, Identity>): OfSwitch => ({
  ...now,
  looked: before?.looked ?? now.looked,
  found: [...(before?.found ?? []).filter((one) => !looked.has(keyOfFinding(one))), ...now.found]
})

const keyOfFinding = ({ about }: Acted): string =>
  "record" in about ? keyOf(about.record) : (about.key ?? keyOf(about))
