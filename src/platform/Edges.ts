/** The edges: everything outside the process. The executable, a dry run, the tests and fault runs provide them. */
import type * as Effect from "effect/Effect"
import type { Files } from "./Files.ts"
import type { Https } from "./Https.ts"
import type { Namespaces } from "./Namespaces.ts"
import type { Processes } from "./Processes.ts"
import type { Slots, Sockets } from "./Sockets.ts"

export type Edges = Files | Https | Namespaces | Processes | Slots | Sockets

/** Wraps a service when it is created: to observe it, make it fail, or keep it from changing anything. */
export type On<Service, Also = never> = <R>(
  make: Effect.Effect<Service, never, R>
) => Effect.Effect<Service, never, R | Also | Edges>
