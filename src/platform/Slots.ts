/**
 * Names that one process of the machine can hold at a time, and that are free again when it ends, however it ends: the
 * kernel keeps them (abstract unix sockets, unix(7)). The edge under the bound on processes that talk to one VPP; the
 * counting is in `vpp/Turn.ts`. A network namespace has its own names: the plugin runs in the node's.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

export class SlotError extends Schema.TaggedError<SlotError>()("SlotError", {
  name: Schema.String,
  /** The system's error. */
  code: Schema.String
}) {
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
