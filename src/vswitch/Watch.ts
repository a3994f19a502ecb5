/**
 * A switch as a long-running process sees it: whether it is reachable, and which marked objects are removed or changed.
 * Periodic inspections find what a switch cannot report.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Explained } from "../cni/types/CniError.ts"
import type { Identity } from "../identity/Attachment.ts"
import type { Edges } from "../platform/Edges.ts"

export type News =
  /** It is reachable, for the first time or again, and has completed its start: what is missing now is lost. */
  | { readonly _tag: "Reached" }
  /** It is unreachable. `ended`: it has closed the connection, as a process does that ends, by a signal or not. */
  | { readonly _tag: "Lost"; readonly error: Explained; readonly ended: boolean }
  /** Something of these attachments was removed or changed, by anyone. */
  | { readonly _tag: "Changed"; readonly attachments: ReadonlyArray<Identity> }

export type Tell = (news: News) => void

/** Runs until it is interrupted. */
export type Watch = (tell: Tell) => Effect.Effect<never, never, Edges | Scope.Scope>
