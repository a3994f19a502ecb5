/** The results of `make bench`: a value, its bar, and the variation of the run. */

import type { Times } from "./Spans.ts"

export interface Figure {
  readonly what: string
  readonly against: string
  /** The medians, in words: `41.2 ms`. */
  readonly ours: string
  readonly theirs: string
  readonly value: number
  /** Empty for a ratio. */
  readonly unit: "" | "MiB" | "ms"
  /** Upper limit. */
  readonly bar: number | undefined
  /** Half of the difference between four parts of the same run. */
  readonly noise: number
}

/** All measurements on one switch. */
export interface Chapter {
  readonly title: string
  readonly figures: ReadonlyArray<Figure>
  /** The parts of an ADD's time. */
  readonly times: Times
  /** For the chart: medians of the public programs in milliseconds. */
  readonly beside: ReadonlyArray<readonly [name: string, millis: number]>
}

export interface Samples {
  readonly ours: Array<number>
  readonly theirs: Array<number>
}
export const samples = (): Samples => ({ ours: [], theirs: [] })

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}

const quarters = <A>(values: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  [0, 1, 2, 3].map((part) =>
    values.slice(Math.floor((part * values.length) / 4), Math.floor(((part + 1) * values.length) / 4))
  )

const spread = (values: ReadonlyArray<number>): number => (Math.max(...values) - Math.min(...values)) / 2

const inMillis = (value: number): string => `${value.toFixed(1)} ms`

export const ratio = (what: string, { ours, theirs }: Samples, against: string, bar?: number): Figure => {
  const parts = quarters(theirs).map(median)
  return {
    what,
    against,
    ours: inMillis(median(ours)),
    theirs: inMillis(median(theirs)),
    value: median(ours) / median(theirs),
    unit: "",
    bar,
    noise: spread(quarters(ours).map((part, index) => median(part) / (parts[index] ?? Number.NaN)))
  }
}

export const amount = (what: string, values: ReadonlyArray<number>, unit: "MiB" | "ms", bar?: number): Figure => ({
  what,
  against: "",
  ours: `${median(values).toFixed(1)} ${unit}`,
  theirs: "",
  value: median(values),
  unit,
  bar,
  noise: spread(quarters(values).map(median))
})

/** One measurement: a worst case, a whole crowd. */
export const single = (what: string, value: number, unit: Figure["unit"], against: string, bar?: number): Figure => ({
  what,
  against,
  ours: unit === "" ? "" : `${value.toFixed(1)} ${unit}`,
  theirs: "",
  value,
  unit,
  bar,
  noise: 0
})

type Verdict = "met" | "within the noise" | "MISSED" | ""

export const verdict = ({ bar, noise, value }: Figure): Verdict => {
  if (bar === undefined) return ""
  if (value <= bar) return "met"
  return value <= bar + noise ? "within the noise" : "MISSED"
}

/** Unlike times and their ratios, memory does not depend on other work of the machine. */
export const outgrown = ({ bar = Number.POSITIVE_INFINITY, unit, value }: Figure): boolean =>
  unit === "MiB" && value > bar * 1.25

export const shownValue = ({ unit, value }: Figure): string =>
  `${value.toFixed(unit === "" ? 2 : 1)}${unit && ` ${unit}`}`
