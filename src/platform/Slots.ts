/**
 * Named locks: one process of the machine can hold a name at a time, and the kernel releases it when the process ends
 * (abstract unix sockets, unix(7)). The edge below VPP's connection limit (`vpp/client/VppClient.ts`) and
 * per-attachment locks (`vpp/client/VppClient.ts`). Names are per network namespace; the plugin runs in the node's.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export class SlotError extends Data.TaggedError("SlotError")<{
  readonly name: string
  /** The system's error code. */
  readonly code: string
}> {
  override get message(): string {
    return `hold ${this.name}: ${this.code}`
  }
}

export class Slots extends Context.Service<
  Slots,
  {
    /** Takes the name until the scope closes and returns true, if nobody has it. Does not wait. */
    readonly hold: (name: string) => Effect.Effect<boolean, SlotError, Scope.Scope>
    /** Resumes when the holder releases the name or dies, and at once when there is none. Has no deadline. */
    readonly freed: (name: string) => Effect.Effect<void>
  }
>()("userspace-cni/Slots") {}
