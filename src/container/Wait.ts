/**
 * Waits until every expected interface is there: described by a source, and with its socket if the switch creates it.
 * Sockets of the application are not waited for, because the application waits here.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Changes } from "../platform/Changes.ts"
import type { Files } from "../platform/Files.ts"
import { ContainerError } from "./ContainerError.ts"
import { cureForUntold, type Discovered, find, type SearchPaths } from "./Discovery.ts"
import * as Presence from "./Presence.ts"
import type { Interface } from "./read/Interface.ts"

export interface Expected {
  /** The expected interfaces. Empty: any. */
  readonly names: ReadonlyArray<string>
  /** How many must be there. Undefined: all that are named, or all that are described, at least one. */
  readonly count?: number | undefined
}

/** How long a change without an event can go unnoticed: mounts cause none. */
const interval: Duration.Input = "500 millis"

/** Writers make several changes at once. */
const burst: Duration.Input = "20 millis"

export const wait = Effect.fn("wait for interfaces")(function* (
  places: SearchPaths,
  expected: Expected,
  timeout: Duration.Input
): Effect.fn.Return<Discovered, ContainerError, Changes | Files> {
  const looked = yield* find(places)
  let last: Survey = { found: looked, there: [], missing: [], unknown: [] }
  const round = Effect.gen(function* () {
    const changes = yield* Changes
    const changed = yield* changes.watch(last.found.directories)
    last = yield* survey(places, expected)
    if (last.missing.length > 0) {
      yield* Effect.raceFirst(Effect.andThen(changed, Effect.sleep(burst)), Effect.sleep(interval))
    }
    return last
  })
  const { found, there } = yield* Effect.scoped(round).pipe(
    Effect.repeat({ until: ({ missing }) => missing.length === 0 }),
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(tooLate(last, timeout)) })
  )
  return { ...found, interfaces: there }
})

interface Survey {
  readonly found: Discovered
  /** The awaited interfaces that are there. */
  readonly there: ReadonlyArray<Interface>
  /** The missing ones, in words. */
  readonly missing: ReadonlyArray<string>
  /** Names without a source. */
  readonly unknown: ReadonlyArray<string>
}

const survey = Effect.fnUntraced(function* (places: SearchPaths, { count, names }: Expected) {
  const found = yield* find(places)
  const all = yield* Effect.forEach(found.interfaces, (one) =>
    Effect.map(Presence.look(one), ({ ready, words }) => ({ one, ready, words }))
  )
  const awaited = names.length === 0 ? all : all.filter(({ one }) => names.includes(one.name))
  const there = awaited.filter(({ ready }) => ready)
  const unknown = names.filter((name) => !all.some(({ one }) => one.name === name))
  const ready = all.filter(({ ready }) => ready).length
  const few = ready < (count ?? (names.length === 0 ? 1 : 0))
  // With a number and no names, those that are there are sufficient.
  const unready = names.length > 0 || count === undefined || few ? awaited.filter(({ ready }) => !ready) : []
  return {
    found,
    there: there.map(({ one }) => one),
    unknown,
    missing: [
      ...unknown.map((name) => `${name}: no configuration yet`),
      ...(few ? [`${ready} of ${count ?? 1} interfaces are ready`] : []),
      ...unready.map(({ one, words }) => `${one.name}: ${one.socket}: ${words}`)
    ]
  }
})

const tooLate = ({ found, missing, unknown }: Survey, timeout: Duration.Input) =>
  new ContainerError({
    operation: `not every interface was ready within ${Duration.format(Duration.fromInputUnsafe(timeout))}`,
    details: [...missing, ...found.looked, ...found.problems],
    cure:
      unknown.length > 0 || found.interfaces.length === 0
        ? cureForUntold(found)
        : "On the node, check the plugin's log for the ADD, and `userspace list` for the port."
  })
