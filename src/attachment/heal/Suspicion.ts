/**
 * Whose process has ended a switch? The switch does not say, so it is found by elimination: after an end that came soon
 * after a port was put back, or after an application connected, those of whom it is most likely are held back for a
 * moment when the switch returns, and all others are put back at once. A switch that ends meanwhile acquits the ones
 * who were held back; a switch that ends after they are back convicts them, and a smaller group is held back next.
 * Pure.
 *
 * One that waits for longer than `window` after its port is back, and had been connected before, is not found.
 */

/** An attachment that had its port when the switch ended. Times are in milliseconds since 1970. */
export interface Present {
  readonly id: string
  /** When its port was made in this life of the switch. */
  readonly back: number
  /** When its socket was connected to, first or last; undefined: not known. */
  readonly connected: number | undefined
}

export interface Suspicion {
  /** Put back after `pause` when the switch returns. */
  readonly held: ReadonlyArray<string>
  /** In milliseconds. */
  readonly pause: number
  /** Held back while the switch ended. */
  readonly acquitted: ReadonlyArray<string>
}

export const nobody: Suspicion = { held: [], pause: 0, acquitted: [] }

export interface Verdict {
  readonly suspicion: Suspicion
  /** The most likely one. Undefined: nobody was near. */
  readonly first: string | undefined
  /** This end is attributed to it: it alone was held back, and the switch ended when it was back. */
  readonly convicted: string | undefined
}

/** An end later than this after a return or a connection has nothing to do with it. A planned restart is such an end. */
const window = 10_000
/** A connection right before the end. */
const moment = 1_000
const shortestPause = 1_000
const longestPause = 20_000

export const judge = (before: Suspicion, present: ReadonlyArray<Present>, at: number): Verdict => {
  const near = present.filter(({ back, connected = back }) => at - Math.max(back, connected) <= window)
  const ids = new Set(near.map(({ id }) => id))
  const here = new Set(present.map(({ id }) => id))
  const acquitted = [...before.acquitted, ...before.held.filter((id) => !here.has(id))]
  const isReturned = before.held.some((id) => ids.has(id))
  const others = near.filter(({ id }) => (isReturned ? before.held.includes(id) : !acquitted.includes(id)))
  // Everybody is acquitted: it begins anew.
  const among = (others.length > 0 ? others : near).toSorted(byLikelihood)
  const [first] = among
  if (first === undefined) return { suspicion: nobody, first: undefined, convicted: undefined }
  const fresh = among.filter(({ connected }) => connected !== undefined && at - connected <= moment)
  const most = fresh.length > 0 ? fresh : among
  return {
    suspicion: {
      held: most.slice(0, Math.ceil(most.length / 2)).map(({ id }) => id),
      pause: pauseAfter(first, at),
      acquitted: others.length > 0 ? acquitted : []
    },
    first: first.id,
    convicted: isReturned && before.held.length === 1 ? first.id : undefined
  }
}

/** Who connected last, and then whose port was made last. */
const byLikelihood = (one: Present, other: Present): number =>
  (other.connected ?? 0) - (one.connected ?? 0) || other.back - one.back

/** Twice as long as it took this time, so that an end by somebody else comes while the suspect is held back. */
const pauseAfter = ({ back, connected = back }: Present, at: number): number => {
  const took = at - back <= window ? at - back : at - connected
  return Math.min(Math.max(2 * took, shortestPause), longestPause)
}

const most = 3
const within = 600_000

/** `ends`: those attributed to one attachment. */
export const isTooMuch = (ends: ReadonlyArray<number>, at: number): boolean =>
  ends.filter((end) => at - end <= within).length >= most
