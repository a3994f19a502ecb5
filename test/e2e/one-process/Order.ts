/** What the program in `main.ts` is told, and what it tells. */
import { Schema } from "effect"

export const Order = Schema.Struct({
  /** At least so many. */
  calls: Schema.Int,
  /** So many of them before the first measure. */
  warmUp: Schema.Int,
  /** Of Open vSwitch and of VPP, each complete but for what makes one attachment another than the next. */
  networks: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)),
  netns: Schema.String,
  /** CNI_PATH. In it are the IPAM plugins `probe`, which is host-local, `broken` and `hangs`. */
  plugins: Schema.String,
  logs: Schema.String
})
export type Order = typeof Order.Type

/** Of the process, with nothing going on in it. */
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
  /** How many of each kind, with its outcome. */
  outcomes: Schema.Record(Schema.String, Schema.Int),
  /** What was not as it has to be. */
  problems: Schema.Array(Schema.String),
  warm: Measure,
  end: Measure
})
export type Report = typeof Report.Type
