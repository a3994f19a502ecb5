/**
 * What a port has passed and dropped, in one schema for both switches, and as the pod sees it: what the switch transmits, the
 * pod receives. Counts of a port begin anew with the port, and with the switch: whoever shows rates takes that for a reset.
 */

import type { Attachment, Identity } from "../identity/Attachment.ts"

/**
 * Why packets were dropped: what the application's rings did not take (`failure`, and `tx-error` on VPP), longer than the
 * MTU, policing or QoS, an offload that the pod's end has not got, no buffer or no room on the way in, anything in VPP's
 * graph (`forwarding`), and what a switch counts without a reason (`other`).
 */
export const dropReasons = [
  "failure",
  "mtu",
  "qos",
  "offload",
  "miss",
  "no-buffers",
  "tx-error",
  "forwarding",
  "other"
] as const
export type DropReason = (typeof dropReasons)[number]

/** One direction. Numbers are those of a counter of 64 bits: above 2^53 they are rounded. */
export interface Way {
  readonly packets: number
  readonly bytes: number
  /** Packets. Without a reason that this switch does not count. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
  readonly errors: number
}

/** Undefined: this switch does not tell. */
export interface PortTraffic {
  /** `keyOf` its attachment. */
  readonly key: string
  /** From a switch whose mark has the names; a record has them too. */
  readonly who: (Identity & Pick<Attachment, "pod">) | undefined
  /** Name of the port on the switch. */
  readonly port: string
  readonly receive: Way
  readonly transmit: Way
  /** Bursts that the application's ring took only when they were sent again. */
  readonly retries: number | undefined
  /** An application is at the other end. */
  readonly connected: boolean
  readonly linkResets: number | undefined
  readonly mtu: number | undefined
  readonly queues: number | undefined
  /** Of the application's memory. */
  readonly numaNode: number | undefined
}
