/** Compares states: what is additional, missing, different. */
import { Effect } from "effect"
import { lastSeen } from "../../support/Until.ts"
import type { Ground, Seen } from "./Ground.ts"

const difference = (before: Seen, now: Seen): ReadonlyArray<string> =>
  [...new Set([...Object.keys(before), ...Object.keys(now)])].sort().flatMap((name) => {
    const [was, is] = [before[name], now[name]]
    if (was === is) return []
    if (was === undefined) return [`left: ${name} ${is}`]
    return is === undefined ? [`gone: ${name} ${was}`] : [`changed: ${name} ${was} -> ${is}`]
  })

/**
 * Differences from before, once all of them may stay: the switch removes with a delay what its database no longer lists,
 * and a program without a parent ends by itself.
 */
export const afterwards = (
  ground: Ground,
  before: Seen,
  configured: boolean,
  mayStay: (found: ReadonlyArray<string>) => boolean
): Effect.Effect<ReadonlyArray<string>> =>
  lastSeen(
    Effect.map(ground.look(configured), (now) => difference(before, now)),
    (found) => found.length === 0 || mayStay(found),
    { every: "15 millis" }
  )
