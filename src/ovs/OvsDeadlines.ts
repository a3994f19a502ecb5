/** How long each thing may take. A reference, so that tests can shorten it and nothing has to pass it on. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

export interface Deadlines {
  /** Until the database's socket has accepted. */
  readonly connect: Duration.Duration
  /** From a call to its reply. */
  readonly reply: Duration.Duration
  /** Until ovs-vswitchd has done what the database says: tens of milliseconds, more right after its start. */
  readonly settle: Duration.Duration
  /** For taking back what a failed plug made, all calls together. */
  readonly withdraw: Duration.Duration
}

export const OvsDeadlines = Context.Reference<Deadlines>("userspace-cni/OvsDeadlines", {
  defaultValue: () => ({
    connect: Duration.seconds(2),
    reply: Duration.seconds(5),
    settle: Duration.seconds(10),
    withdraw: Duration.seconds(8)
  })
})
