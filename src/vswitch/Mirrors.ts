/**
 * Copies of what a port sends and receives, on two tap devices of a capture: what a switch does for `userspace capture`. Not
 * a part of {@link Vswitch}: no call needs it. Each mirror carries a {@link Lease}, and ends with it.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ErrorCodes } from "../cni/spec/CniError.ts"
import type { Attachment } from "../identity/Attachment.ts"
import type { Lease } from "./Lease.ts"
import type { PortError, VswitchError } from "./VswitchError.ts"

export interface Devices {
  /** Gets what the pod sends. */
  readonly outbound: string
  /** Gets what the pod receives. */
  readonly inbound: string
}

export interface Mirrored {
  /** Name of the port on the switch. */
  readonly port: string
  /** How often it costs nothing to ask whether the port is there. */
  readonly lookEvery: Duration.Input
  /** Renews the lease. False: the mirror or the port has gone. */
  readonly renew: (lease: Lease) => Effect.Effect<boolean, VswitchError>
  /** Whether the port is still there: what ends a capture when its pod goes. */
  readonly there: Effect.Effect<boolean, VswitchError>
}

export interface Mirrors {
  /** A socket of the process that has to see the tap devices; undefined: not known. */
  readonly seenBy: Effect.Effect<string | undefined>
  /** Fails when the attachment has no port here, or is being captured. The mirror ends with the scope. */
  readonly mirror: (
    attachment: Attachment,
    devices: Devices,
    lease: Lease
  ) => Effect.Effect<Mirrored, VswitchError, Scope.Scope>
  /** Removes what captures have left whose lease has ended. Names what it removed. */
  readonly sweep: Effect.Effect<ReadonlyArray<string>, VswitchError>
}

export const noPort: PortError = {
  code: ErrorCodes.SwitchRefused,
  answer: "the switch has no port of this attachment",
  cure: "Run `userspace list`. If the port is missing, `userspace restore` recreates it."
}

/** `pid`: undefined when nobody says. */
export const captured = (port: string, pid: number | undefined): PortError => ({
  code: ErrorCodes.AlreadyAttached,
  answer: `port ${port} is being captured already${pid === undefined ? "" : `, by process ${pid}`}`,
  cure: `Wait until that capture has ended, or end it${pid === undefined ? "" : ` (\`kill ${pid}\`)`}. What a killed capture left goes within a minute.`
})

export const unready = (words: string): PortError => ({
  code: ErrorCodes.SwitchRefused,
  answer: `the switch cannot use the tap devices of the capture: ${words}`,
  cure: "Run this as root on the node, in the PID namespace of the switch: the devices are made in the switch's network namespace."
})
