/**
 * How long each thing may take. A reference, so that tests can shorten it and nothing has to pass it on. They are for
 * what hangs, not for what is slow: a hundred calls at once on two processors leave each with seconds in which it does
 * not run, and a deadline that is over by then is over although the answer is there.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

export interface Deadlines {
  /** Until the database's socket has accepted. */
  readonly connect: Duration.Duration
  /** From a call to its reply. */
  readonly reply: Duration.Duration
  /** Until ovs-vswitchd has come further with what the database says: tens of milliseconds, more right after its start. */
  readonly settle: Duration.Duration
  /** For taking back what a failed plug made, all calls together. */
  readonly withdraw: Duration.Duration
}

export const OvsDeadlines = Context.Reference<Deadlines>("userspace-cni/OvsDeadlines", {
  defaultValue: () => ({
    connect: Duration.seconds(10),
    reply: Duration.seconds(15),
    settle: Duration.seconds(10),
    withdraw: Duration.seconds(12)
  })
})
