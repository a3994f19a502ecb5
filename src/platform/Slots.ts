/**
 * Names that one process of the machine can hold at a time, and that are free again when it ends, however it ends: the
 * kernel keeps them (abstract unix sockets, unix(7)). The edge under the bound on processes that talk to one VPP, which
 * `vpp/client/ConnectionLimit.ts` counts, and under the rule that one at a time works on an attachment there (`vpp/client/VppClient.ts`). A network
 * namespace has its own names: the plugin runs in the node's.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export class SlotError extends Data.TaggedError("SlotError")<{
  readonly name: string
  /** The system's error. */
  readonly code: string
}> {
  override get message(): string {
    return `hold ${this.name}: ${this.code}`
  }
}

export class Slots extends Context.Service<
  Slots,
  {
    /** Takes the name until the scope closes, if nobody has it. Does not wait. */
    readonly hold: (name: string) => Effect.Effect<boolean, SlotError, Scope.Scope>
    /** Resumes when whoever holds the name gives it up or dies; at once when nobody does. Has no deadline of its own. */
    readonly freed: (name: string) => Effect.Effect<void>
  }
>()("userspace-cni/Slots") {}
