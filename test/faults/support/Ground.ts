/**
 * What a campaign is run on: one node with a switch of its own, one attachment that is added, checked and deleted over
 * and over, and everything that it may touch as one value.
 */
import type { Effect } from "effect"
import type * as Plugin from "../../e2e/support/Plugin.ts"
import type { Traced, Wrong } from "../process/Order.ts"

export type Verb = "ADD" | "CHECK" | "DEL"

/** Each thing by its name with all that is known about it. Two equal ones are two equal worlds. */
export type Seen = Readonly<Record<string, string>>

export interface Called extends Plugin.Answer {
  /** It gave up while the switch was still being struck: what was there could not be taken back. */
  readonly outran: boolean
  /** Of a call through an agent: whether it reported the call as done, and how it has ended, if it has. */
  readonly agent?: { readonly answered: boolean; readonly ended: string | undefined }
  readonly traced: ReadonlyArray<Traced>
}

export interface How {
  /** Shortened deadlines. */
  readonly hurried?: boolean
  /** All steps in the trace. */
  readonly all?: boolean
  /** Through an agent that has done nothing yet. */
  readonly fresh?: boolean
}

/** Something that happens to the switch while the plugin works. */
export interface Blow {
  readonly name: string
  readonly strike: Effect.Effect<void>
  /** What was on the switch can neither be looked at nor taken back: the next DEL has to do it. */
  readonly deaf: boolean
}

export interface Ground {
  /** `configured`: without what a restarted switch may number anew. */
  readonly look: (configured: boolean) => Effect.Effect<Seen>
  /** By the shipped executable. */
  readonly call: (verb: Verb) => Effect.Effect<Plugin.Answer>
  /** By the faulty one. */
  readonly order: (verb: Verb, wrong: ReadonlyArray<Wrong>, how: How) => Effect.Effect<Called>
  readonly blows: ReadonlyArray<Blow>
  /** The switch works again, whatever has been done to it. */
  readonly mend: Effect.Effect<void>
}
