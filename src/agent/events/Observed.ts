/** What the agent knows of one attachment's application, and which events are due. Pure. */

/** The kinds that looks find; the others are of rounds of healing. */
export const kinds = ["Attached", "Connected", "NotConnected"] as const
export type LookKind = (typeof kinds)[number]

export interface Observed {
  /** Its event was sent, or it is older than this agent. */
  readonly attached: boolean
  /** The last state that was sent. `unseen`: it is older than this agent, which has not seen its port yet. */
  readonly connection: "connected" | "not connected" | "unseen" | undefined
  /** Since when no application is connected, in milliseconds. */
  readonly since: number | undefined
}

/** `isOld`: older than this agent. Another one has sent what happened, or there was none. */
export const initial = (isOld: boolean): Observed => ({
  attached: isOld,
  connection: isOld ? "unseen" : undefined,
  since: undefined
})

/** `connected` undefined: the switch was not asked, or does not have the port. An application may connect meanwhile. */
export const observe = (before: Observed, connected: boolean | undefined, now: number): Observed => {
  if (connected === undefined) return { ...before, since: undefined }
  const { connection, since = now } = before
  return {
    ...before,
    since: connected ? undefined : since,
    // The application that was there is no news. If there was none, the next one is.
    connection: connection !== "unseen" ? connection : connected ? "connected" : undefined
  }
}

/** An application has this long to connect. */
const patience = 60_000

/** Of an attachment whose port was seen just now. */
export const isDue = ({ attached, connection, since }: Observed, kind: LookKind, now: number): boolean => {
  switch (kind) {
    case "Attached":
      return !attached
    case "Connected":
      return since === undefined && connection !== "connected"
    case "NotConnected":
      return since !== undefined && now - since >= patience && connection !== "not connected"
  }
}

export const sent = (before: Observed, kind: LookKind): Observed =>
  kind === "Attached"
    ? { ...before, attached: true }
    : { ...before, connection: kind === "Connected" ? "connected" : "not connected" }
