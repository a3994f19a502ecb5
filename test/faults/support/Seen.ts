/** Compares states: what is additional, missing, different. */
import { Effect, Schedule } from "effect"
import type { Ground, Seen } from "./Ground.ts"

const difference = (before: Seen, now: Seen): ReadonlyArray<string> =>
  [...new Set([...Object.keys(before), ...Object.keys(now)])].sort().flatMap((name) => {
    const [was, is] = [before[name], now[name]]
    if (was === is) return []
    if (was === undefined) return [`left: ${name} ${is}`]
    return is === undefined ? [`gone: ${name} ${was}`] : [`changed: ${name} ${was} -> ${is}`]
  })

/**
 * Differences from before after at most three seconds: the switch removes with a delay what its database no longer
 * lists, and a program without a parent ends by itself.
 */
export const afterwards = (ground: Ground, before: Seen, configured = false): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(ground.look(configured), (now) => difference(before, now)).pipe(
    Effect.repeat({ until: (found) => found.length === 0, schedule: Schedule.spaced("15 millis"), times: 200 }),
    Effect.timeoutOrElse({
      duration: "3 seconds",
      orElse: () => Effect.map(ground.look(configured), (now) => difference(before, now))
    })
  )
