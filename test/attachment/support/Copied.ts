/** Nodes in memory for many attempts at what begins in one state, which calls make once: a copy takes a tenth of their time. */
import { Effect } from "effect"
import type { World } from "./World.ts"

interface Made {
  readonly world: World
}

/** A node for each attempt; a VPP's ports cannot be copied, so a node with some is made each time. */
export const copied = <K, A extends Made, E>(
  make: (key: K) => Effect.Effect<A, E>
): ((key: K) => Effect.Effect<A, E>) => {
  const known = new Map<K, A>()
  return Effect.fnUntraced(function* (key: K) {
    const before = known.get(key)
    if (before !== undefined) return { ...before, world: before.world.copy() }
    const made = yield* make(key)
    const world = made.world.copy()
    if (world.dump().join("\n") === made.world.dump().join("\n")) known.set(key, { ...made, world })
    return made
  })
}
