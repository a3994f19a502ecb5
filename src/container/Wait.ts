/**
 * Waits until every interface that is expected is there: told about, and its socket made when the switch makes it. The
 * application's own sockets are not waited for, because it is the application that waits here.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Changes } from "../platform/Changes.ts"
import type { Files } from "../platform/Files.ts"
import { ContainerError } from "./ContainerError.ts"
import { type Found, find, type Places } from "./Found.ts"
import * as Presence from "./Presence.ts"

export interface Expected {
  /** These interfaces. */
  readonly names: ReadonlyArray<string>
  /** At least so many. */
  readonly count: number
}

/** How long a change without an event can stay unseen: mounts make none. */
const interval: Duration.Input = "500 millis"

/** Writers make several changes at once. */
const settled: Duration.Input = "20 millis"

export const wait = Effect.fn("wait for interfaces")(function* (
  places: Places,
  expected: Expected,
  timeout: Duration.Input
): Effect.fn.Return<Found, ContainerError, Changes | Files> {
  let last: Survey = { found: yield* find(places), missing: [] }
  const round = Effect.gen(function* () {
    const changes = yield* Changes
    const changed = yield* changes.watch(last.found.directories)
    last = yield* survey(places, expected)
    if (last.missing.length > 0) {
      yield* Effect.raceFirst(Effect.andThen(changed, Effect.sleep(settled)), Effect.sleep(interval))
    }
    return last
  })
  const { found } = yield* Effect.scoped(round).pipe(
    Effect.repeat({ until: ({ missing }) => missing.length === 0 }),
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(tooLate(last, timeout)) })
  )
  return found
})

interface Survey {
  readonly found: Found
  readonly missing: ReadonlyArray<string>
}

const survey = Effect.fnUntraced(function* (places: Places, { count, names }: Expected) {
  const found = yield* find(places)
  const known = new Map(found.interfaces.map((one) => [one.name, one]))
  const unknown = names.filter((name) => !known.has(name)).map((name) => `${name}: nothing tells about it yet`)
  const awaited = names.length > 0 ? names.flatMap((name) => known.get(name) ?? []) : found.interfaces
  const unready = yield* Effect.forEach(awaited, (one) =>
    Effect.map(Presence.look(one), ({ ready, words }) => (ready ? [] : [`${one.name}: ${one.socket}: ${words}`]))
  )
  const few = found.interfaces.length < count ? [`${found.interfaces.length} of ${count} interfaces are there`] : []
  return { found, missing: [...unknown, ...few, ...unready.flat()] }
})

const tooLate = ({ found, missing }: Survey, timeout: Duration.Input) =>
  new ContainerError({
    operation: `not every interface was there within ${Duration.format(Duration.fromInputUnsafe(timeout))}`,
    details: [...missing, ...found.looked, ...found.problems],
    cure:
      "Mount the pod's annotations with the downward API and its volume shared-dir, or say where they are with " +
      "--annotations and --dir. On the node, the plugin's log says how the ADD went."
  })
