/**
 * Copies of what a port sends and receives, on two tap devices of a capture: what a switch does for `userspace
 * capture`. Not a part of {@link Vswitch}: no call needs it. Each mirror carries a {@link Lease}, and ends with it.
 */

import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ErrorCodes } from "../cni/types/CniError.ts"
import type { Attachment } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import type { PortError, VswitchError } from "./Vswitch.ts"

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

/**
 * Whose a mirror is, and until when. It ends when it is not renewed in time, and before that when its process has gone,
 * which another process can tell only in the same PID namespace.
 */
export interface Lease {
  readonly process: string
  /** Seconds since 1970. */
  readonly expires: number
}

/** In seconds. A mirror is gone within a minute of a capture that was killed: the agent looks every `sweepEvery`. */
export const lasts = 30
export const renewEvery = 10
export const sweepEvery = 20

/** `PID.START.NAMESPACE`, in base 36: a tag of VPP has 63 characters. START tells it from a later process of that number. */
const processOf = Effect.fnUntraced(function* (pid: number) {
  const files = yield* Files
  const text = yield* files.read(`/proc/${pid}/stat`, 1 << 12)
  // The name of the program, in parentheses, may have anything in it. Field 3 is its state, 22 its start (proc_pid_stat(5)).
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  const isDead = /^[ZX]/.test(fields[0] ?? "")
  return isDead ? undefined : `${pid.toString(36)}.${Number(fields[19]).toString(36)}`
})

const namespace = Effect.gen(function* () {
  const files = yield* Files
  const link = yield* files.readLink("/proc/self/ns/pid")
  return Number(/\d+/.exec(link)?.[0] ?? 0).toString(36)
})

const now = Effect.map(Clock.currentTimeMillis, (millis) => Math.floor(millis / 1_000))

/** Of this process, from now. */
export const own = Effect.gen(function* () {
  const mine = yield* Effect.orElseSucceed(processOf(process.pid), () => undefined)
  const inside = yield* Effect.orElseSucceed(namespace, () => "0")
  const lease: Lease = {
    process: `${mine ?? `${process.pid.toString(36)}.0`}.${inside}`,
    expires: (yield* now) + lasts
  }
  return lease
})

export const renewed = (lease: Lease) => Effect.map(now, (at): Lease => ({ ...lease, expires: at + lasts }))

export const hasEnded = Effect.fnUntraced(function* ({ expires, process }: Lease) {
  // A clock that was set back must not keep it.
  const at = yield* now
  if (expires <= at || expires > at + 2 * lasts) return true
  const [pid = "", start = "", inside = ""] = process.split(".")
  if (inside !== (yield* Effect.orElseSucceed(namespace, () => undefined))) return false
  const there = yield* Effect.orElseSucceed(processOf(Number.parseInt(pid, 36)), () => undefined)
  return there !== `${pid}.${start}`
})

/** Of a mark; undefined: it is no lease. */
export const leaseOf = (process: string | undefined, expires: string | undefined): Lease | undefined =>
  process === undefined || !/^[0-9a-z]+\.[0-9a-z]+\.[0-9a-z]+$/.test(process) || !/^\d{1,12}$/.test(expires ?? "")
    ? undefined
    : { process, expires: Number(expires) }

/** For people: who captures. */
export const pidOf = ({ process }: Lease): number => Number.parseInt(process.split(".")[0] ?? "", 36)
