/** The result of inspecting one switch of a node and its records, for `Decide.ts`. Data only. */
import type { Explained } from "../../cni/spec/CniError.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"
import type { Record } from "../records/Record.ts"

/** The port of a recorded attachment on its switch. */
export type Port =
  | { readonly _tag: "There"; readonly forgotten: ReadonlyArray<string>; readonly changed: ReadonlyArray<string> }
  | { readonly _tag: "Missing"; readonly words: string }
  /** The switch could not be asked, or there was no reason to. */
  | { readonly _tag: "Unasked" }

/**
 * `whole`: its ADD succeeded, and no DEL has begun. `in transit`: its ADD or DEL is running, or was killed. `deferred`: a DEL of it failed. `begun`: its ADD was killed before it claimed the record.
 */
export type Stage = "whole" | "in transit" | "deferred" | "begun"

export interface Seen {
  readonly record: Record
  readonly stage: Stage
  /** `gone` only when that is certain. */
  readonly sandbox: "there" | "gone" | "unknown"
  readonly port: Port
}

export interface Sight {
  /** Milliseconds of a monotonic clock. */
  readonly now: number
  /** True: not all attachments of the switch were inspected. */
  readonly partial: boolean
  readonly seen: ReadonlyArray<Seen>
  /** Ports with our mark and without a record. */
  readonly unrecorded: ReadonlyArray<Owned>
  /** Why the switch, or a part of it, could not be inspected. */
  readonly silent: ReadonlyArray<Explained>
}
