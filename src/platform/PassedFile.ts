/**
 * A file without a name, whose descriptor a daemon passes to every client of its socket (SCM_RIGHTS, unix(7)). It is
 * read, not mapped: a position beyond its end gives a short count, where a mapping would raise a signal that ends the
 * process.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SocketError } from "./Sockets.ts"

export interface PassedFile {
  /** Fills `bytes` from this position on and returns their number: fewer at the end of the file. */
  readonly read: (at: number, bytes: Uint8Array) => number
}

/** Waits for the peer, without a deadline; the scope closes it. */
export type Receive = (path: string) => Effect.Effect<PassedFile, SocketError, Scope.Scope>
