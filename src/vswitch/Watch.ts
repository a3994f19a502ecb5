/**
 * A switch as somebody sees it who stays: whether it is there, and what goes or changes on it of what carries our mark. What
 * a switch cannot tell by itself, a look every so often finds.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Explained } from "../cni/spec/CniError.ts"
import type { Identity } from "../identity/Attachment.ts"
import type { Edges } from "../platform/Edges.ts"

export type News =
  /** It is reached, for the first time or again, and has done what it does at its start: what it has lost is lost. */
  | { readonly _tag: "Reached" }
  /** It cannot be asked now. */
  | { readonly _tag: "Lost"; readonly error: Explained }
  /** Something of these was removed or changed, by whomever. */
  | { readonly _tag: "Changed"; readonly attachments: ReadonlyArray<Identity> }

export type Tell = (news: News) => void

/** Goes on until it is interrupted. */
export type Watch = (tell: Tell) => Effect.Effect<never, never, Edges | Scope.Scope>
