/**
 * Deadlines of each operation. A reference, so that tests can shorten them. They are for hangs, not for slowness: with
 * a hundred calls on two processors, a process can be without CPU for seconds, and a short deadline would expire
 * although the answer has arrived.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

export interface Deadlines {
  /** For connecting to the database's socket. */
  readonly connect: Duration.Duration
  /** From a call to its reply. */
  readonly reply: Duration.Duration
  /** For progress of ovs-vswitchd: tens of milliseconds, more right after its start. */
  readonly apply: Duration.Duration
  /** For the rollback of a failed plug, all calls together. */
  readonly withdraw: Duration.Duration
}

export const OvsDeadlines = Context.Reference<Deadlines>("userspace-cni/OvsDeadlines", {
  defaultValue: () => ({
    connect: Duration.seconds(10),
    reply: Duration.seconds(15),
    apply: Duration.seconds(10),
    withdraw: Duration.seconds(12)
  })
})
