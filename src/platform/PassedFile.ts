/**
 * A file without a name, whose descriptor a daemon gives to everyone who connects to its socket (SCM_RIGHTS, unix(7)). Read,
 * not mapped: a place beyond its end is a short count, where a mapping would be a signal that ends the process.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SocketError } from "./Sockets.ts"

export interface PassedFile {
  /** Fills `bytes` from this place on. How many there were: fewer at the end of the file. */
  readonly read: (at: number, bytes: Uint8Array) => number
}

/** Waits for the peer, without a deadline; closed with the scope. */
export type Receive = (path: string) => Effect.Effect<PassedFile, SocketError, Scope.Scope>
