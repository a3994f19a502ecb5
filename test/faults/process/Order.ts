/**
 * What the campaign and the faulty executable tell each other: the order in the environment, by which one step goes
 * wrong, or where an agent finds the order of each call, and the trace, a line a step, from which the campaign learns which steps there are.
 */
import { Schema } from "effect"

/** The environment variable. The shipped executable does not know it (`shipped.test.ts`). */
export const variable = "USERSPACE_FAULT"

/** `late`: after its effect. `half`: in the middle of it. */
export const How = Schema.Literals([
  "fails",
  "fails late",
  "hangs",
  "hangs late",
  "dies",
  "dies late",
  "SIGTERM",
  "SIGTERM half",
  "SIGTERM late",
  "SIGKILL",
  "SIGKILL half",
  "SIGKILL late",
  /** No space from this step on. */
  "disk full",
  /** No file can be changed from this step on. */
  "read-only",
  /** The campaign does something to the switch, or to the caller, before this step goes on. */
  "struck",
  /** While it waits for its answer, which does not come. */
  "struck half",
  "struck late"
])
export type How = typeof How.Type

export const Wrong = Schema.Struct({
  step: Schema.String,
  how: How,
  /** Which of the step's errors; what the campaign does. */
  which: Schema.optionalKey(Schema.String)
})
export type Wrong = typeof Wrong.Type

export const Order = Schema.Struct({
  wrong: Schema.Array(Wrong),
  /** Path of the trace. */
  trace: Schema.String,
  /** The campaign's socket, for `struck`. */
  door: Schema.String,
  /** Deadlines of milliseconds, for hanging steps. */
  hurried: Schema.Boolean,
  /** Parts of steps' names that are replaced: directories of this run. */
  places: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
  /** Records all steps, not only those that fail. */
  all: Schema.Boolean,
  /** Of an agent: tells one call's order from the next one's. */
  nth: Schema.optionalKey(Schema.Int)
})
export type Order = typeof Order.Type

/** For an agent, whose calls have an order each: the file in which it is while the call runs. */
export const Serving = Schema.Struct({ socket: Schema.String, orders: Schema.String, hurried: Schema.Boolean })
export type Serving = typeof Serving.Type

/** A line of the trace: a step that was reached, and how it could fail. */
export const Traced = Schema.Struct({
  /** Unique in a call. */
  step: Schema.String,
  edge: Schema.String,
  changes: Schema.Boolean,
  waits: Schema.Boolean,
  errors: Schema.Array(Schema.String),
  /** Signals that can be sent in the middle. */
  halves: Schema.Array(Schema.String),
  /** It fails as ordered. */
  wrong: Schema.Boolean
})
export type Traced = typeof Traced.Type
