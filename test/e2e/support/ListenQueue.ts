/**
 * Open vSwitch's tools beside a crowd. A tool that finds ovsdb-server's listen queue (64) full fails at once and has
 * done nothing. ovs-vsctl's own `--retry` retries after whole seconds, with growing delays, when a crowd is long gone.
 */
import { Effect, Schedule } from "effect"
import type { ProgramError } from "./Program.ts"

/** The message of ovs-vsctl and ovsdb-client 3.5 for EAGAIN. */
const foundNoPlace = ({ problem }: ProgramError) => /connect\w*.* \(Protocol error\)/.test(problem)

const untilThereIsAPlace = Schedule.max([Schedule.spaced("20 millis"), Schedule.during("1 minute")])

export const whileFull = <A>(self: Effect.Effect<A, ProgramError>): Effect.Effect<A, ProgramError> =>
  Effect.retry(self, { while: foundNoPlace, schedule: untilThereIsAPlace })
