/** The parts of an ADD's time, from its own log at debug level. */
import { Schema } from "effect"
import type { Run } from "./Runs.ts"

/** Parts, and the spans in the log whose sum is their time. */
export type Parts = ReadonlyArray<readonly [part: string, spans: ReadonlyArray<string>]>

/** Milliseconds, one for each run. */
export type Times = ReadonlyMap<string, Array<number>>

export const noTimes = (parts: Parts): Times =>
  new Map([...parts.map(([part]) => part), "decode, judge", "exec and exit", "all of it"].map((part) => [part, []]))

const SpanLine = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ span: Schema.String, ms: Schema.NumberFromString }))
)

export const addTimes = (times: Times, parts: Parts, { millis, stderr }: Run): void => {
  const spans = new Map<string, number>()
  for (const line of stderr.split("\n")) {
    const read = SpanLine(line)
    if (read._tag === "Some") spans.set(read.value.span, (spans.get(read.value.span) ?? 0) + read.value.ms)
  }
  const of = (names: ReadonlyArray<string>) => names.reduce((sum, name) => sum + (spans.get(name) ?? Number.NaN), 0)
  const total = Number(/ADD took ([\d.]+) ms/.exec(stderr)?.[1])
  for (const [part, names] of parts) times.get(part)?.push(of(names))
  // A call of an agent has no start-up.
  times.get("decode, judge")?.push(total - (spans.get("start") ?? 0) - of(["ADD"]))
  // Its own clock begins with its runtime, and stops at its last line.
  times.get("exec and exit")?.push(millis - total)
  times.get("all of it")?.push(millis)
}
