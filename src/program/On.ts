/** Wraps a service when it is created: to observe it, make it fail, or keep it from changing anything. */
import type * as Effect from "effect/Effect"
import type { Edges } from "../platform/Edges.ts"

export type On<Service, Also = never> = <R>(
  make: Effect.Effect<Service, never, R>
) => Effect.Effect<Service, never, R | Also | Edges>
