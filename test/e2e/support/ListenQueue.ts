/**
 * The tools of Open vSwitch beside a crowd: one that finds ovsdb-server's listen queue full, of 64, gives up at once and
 * has done nothing. ovs-vsctl's own `--retry` begins again after whole seconds, and later each time: a crowd is gone by then.
 */
import { Effect, Schedule } from "effect"
import type { ProgramError } from "./Program.ts"

/** In the words of ovs-vsctl and ovsdb-client 3.5, for EAGAIN. */
const foundNoPlace = ({ problem }: ProgramError) => /connect\w*.* \(Protocol error\)/.test(problem)

const untilThereIsAPlace = Schedule.max([Schedule.spaced("20 millis"), Schedule.during("25 seconds")])

export const whileFull = <A>(self: Effect.Effect<A, ProgramError>): Effect.Effect<A, ProgramError> =>
  Effect.retry(self, { while: foundNoPlace, schedule: untilThereIsAPlace })
