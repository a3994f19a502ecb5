/**
 * The ground of a campaign: one node with a switch of its own, one attachment that is added, checked and deleted
 * repeatedly, and everything that it may touch as one value.
 */
import type { Effect } from "effect"
import type * as Plugin from "../../e2e/support/Plugin.ts"
import type { Traced, Wrong } from "../process/Order.ts"

export type Verb = "ADD" | "CHECK" | "DEL"

/** Each thing by its name with all its properties. Equal values are equal states. */
export type Seen = Readonly<Record<string, string>>

export interface Called extends Plugin.Answer {
  /** The call gave up while the switch was still being killed: its changes could not be rolled back. */
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

/** A fault of the switch while the plugin works. */
export interface Blow {
  readonly name: string
  readonly strike: Effect.Effect<void>
  /** The switch can be neither inspected nor changed: the next DEL must do it. */
  readonly deaf: boolean
}

export interface Ground {
  /** `configured`: without numbers that a restarted switch may change. */
  readonly look: (configured: boolean) => Effect.Effect<Seen>
  /** By the shipped executable. */
  readonly call: (verb: Verb) => Effect.Effect<Plugin.Answer>
  /** By the faulty one. */
  readonly order: (verb: Verb, wrong: ReadonlyArray<Wrong>, how: How) => Effect.Effect<Called>
  readonly blows: ReadonlyArray<Blow>
  /** Repairs the switch after any fault. */
  readonly mend: Effect.Effect<void>
}
