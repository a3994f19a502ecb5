/** Input and output of the program in `main.ts`. */
import { Schema } from "effect"

export const Order = Schema.Struct({
  /** At least so many. */
  calls: Schema.Int,
  /** Number of calls before the first measure. */
  warmUp: Schema.Int,
  /** Networks on Open vSwitch and VPP, complete except for what distinguishes attachments. */
  networks: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)),
  netns: Schema.String,
  /** CNI_PATH, with the IPAM plugins `probe`, which is host-local, `broken` and `hangs`. */
  plugins: Schema.String,
  logs: Schema.String
})
export type Order = typeof Order.Type

/** Of the idle process. */
export const Measure = Schema.Struct({
  /** What each of them is. */
  descriptors: Schema.Array(Schema.String),
  timers: Schema.Int,
  heapMiB: Schema.Finite,
  objects: Schema.Int,
  residentMiB: Schema.Finite
})
export type Measure = typeof Measure.Type

export const Report = Schema.Struct({
  calls: Schema.Int,
  seconds: Schema.Finite,
  /** Number of calls of each kind, by outcome. */
  outcomes: Schema.Record(Schema.String, Schema.Int),
  /** Wrong outcomes. */
  problems: Schema.Array(Schema.String),
  warm: Measure,
  end: Measure
})
export type Report = typeof Report.Type
