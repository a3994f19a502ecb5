/**
 * Tap devices: the edge that a capture reads a switch's copies of packets from. A device is there as long as this process
 * is, so a capture that was killed leaves none. It says nothing of mirrors; the switches do.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export class TapError extends Data.TaggedError("TapError")<{
  readonly device: string
  /** The system's error: `EPERM`, `EBUSY`, `ENOENT` without /dev/net/tun, ... */
  readonly code: string
}> {
  override get message(): string {
    return `create tap device ${this.device}: ${this.code}`
  }
}

export interface Tap {
  readonly name: string
  /** A frame that the switch has sent to it; undefined: there is none now. The bytes are valid until the next read. */
  readonly read: () => Uint8Array | undefined
  /** Frames that found its queue full. */
  readonly dropped: () => number
}

export class Taps extends Context.Service<
  Taps,
  {
    /** Devices of these names, up, in the network namespace of process `pid`, until the scope closes. */
    readonly open: (
      names: ReadonlyArray<string>,
      pid: number | undefined
    ) => Effect.Effect<ReadonlyArray<Tap>, TapError, Scope.Scope>
    /** The process that listens on a unix socket; undefined: it cannot be asked, or is out of sight. */
    readonly listener: (path: string) => Effect.Effect<number | undefined>
    /**
     * Waits for a frame on one of them. Blocks this process, for at most `millis`, because what comes is stamped with the
     * time of its reading. False: nobody reads the pipe `output` any more.
     */
    readonly wait: (taps: ReadonlyArray<Tap>, output: number, millis: number) => boolean
  }
>()("userspace-cni/Taps") {}
