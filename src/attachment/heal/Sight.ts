/** What a look at one switch of a node and at its records has seen, for `Decide.ts` to judge. Data. */
import type { Explained } from "../../cni/spec/CniError.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"
import type { Record } from "../records/Record.ts"

/** Of a recorded attachment on its switch. */
export type Port =
  | { readonly _tag: "There"; readonly forgotten: ReadonlyArray<string>; readonly changed: ReadonlyArray<string> }
  | { readonly _tag: "Missing"; readonly words: string }
  /** It could not be asked, or there was no reason to. */
  | { readonly _tag: "Unasked" }

/**
 * `whole`: its ADD has ended well, and no DEL has begun. `in transit`: its ADD or DEL is under way, or was killed.
 * `deferred`: a DEL of it has failed. `begun`: its ADD was killed before it had claimed the record.
 */
export type Stage = "whole" | "in transit" | "deferred" | "begun"

export interface Seen {
  readonly record: Record
  readonly stage: Stage
  /** Gone only when that is certain. */
  readonly sandbox: "there" | "gone" | "unknown"
  readonly port: Port
}

export interface Sight {
  /** Milliseconds of a clock that nobody sets. */
  readonly now: number
  /** Not all attachments of the switch were looked at. */
  readonly partial: boolean
  readonly seen: ReadonlyArray<Seen>
  /** Ports with our mark that no record knows. */
  readonly unrecorded: ReadonlyArray<Owned>
  /** Why the switch, or a part of it, could not be asked. */
  readonly silent: ReadonlyArray<Explained>
}
