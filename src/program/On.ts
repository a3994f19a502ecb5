/** What stands around a service as it is made: it watches, lets go wrong or keeps from changing what the service does. */
import type * as Effect from "effect/Effect"
import type { Edges } from "../platform/Edges.ts"

export type On<Service, Also = never> = <R>(
  make: Effect.Effect<Service, never, R>
) => Effect.Effect<Service, never, R | Also | Edges>
