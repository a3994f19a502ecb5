/**
 * The traffic of a port, in one schema for both switches, as the pod sees it: what the switch transmits, the pod
 * receives. Counters restart with the port, and with the switch, which programs that compute rates treat as a reset.
 */

import type { Attachment, Identity } from "../identity/Attachment.ts"

/**
 * Why packets were dropped: the application's rings were full (`failure`, and `tx-error` on VPP), longer than the MTU,
 * policing or QoS, an offload that the pod's end lacks, no buffer or no room on the way in, anything in VPP's graph
 * (`forwarding`), and what a switch counts without a reason (`other`).
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
  /** Undefined: the switch does not count what passes this port. */
  readonly packets: number | undefined
  readonly bytes: number | undefined
  /** In packets. A reason that this switch does not count is absent. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
  readonly errors: number | undefined
}

/** Undefined: the switch does not report it. */
export interface PortTraffic {
  /** `keyOf` its attachment. */
  readonly key: string
  /** From a switch whose mark has the names; a record has them too. */
  readonly who: (Identity & Pick<Attachment, "pod">) | undefined
  /** Name of the port on the switch. */
  readonly port: string
  /** Milliseconds between two updates of the counters. Undefined: they are current. */
  readonly writtenEvery: number | undefined
  readonly receive: Way
  readonly transmit: Way
  /** Bursts that the application's ring accepted only after a retry. */
  readonly retries: number | undefined
  /** An application is connected. */
  readonly connected: boolean
  readonly linkResets: number | undefined
  readonly mtu: number | undefined
  readonly queues: number | undefined
  /** Of the application's memory. */
  readonly numaNode: number | undefined
}
