/** Ends what captures that were killed have left on the switches of a node. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Edges } from "../../platform/Edges.ts"
import { type Mirrors, sweepEvery } from "../../vswitch/Mirrors.ts"

/** The captures on the switch at this control socket. */
type MirrorsFor = (control: Control) => Effect.Effect<Mirrors, never, Edges | Scope.Scope>

/** A switch that does not answer is for others to report. */
export const sweep = Effect.fn("capture.sweep")(function* (
  controls: ReadonlyArray<Control>,
  mirrorsFor: MirrorsFor
): Effect.fn.Return<void, never, Edges> {
  const one = (control: Control) =>
    Effect.flatMap(mirrorsFor(control), ({ sweep }) => sweep).pipe(
      Effect.scoped,
      Effect.timeout("10 seconds"),
      Effect.tap((removed) =>
        removed.length === 0
          ? Effect.void
          : Effect.logInfo(`removed what an ended capture had left on ${control.control}: ${removed.join(", ")}`)
      ),
      Effect.ignoreCause
    )
  yield* Effect.forEach(controls, one, { concurrency: "unbounded", discard: true })
})

/** For as long as the scope lasts. */
export const keepSweeping = (controls: () => ReadonlyArray<Control>, mirrorsFor: MirrorsFor) =>
  Effect.suspend(() => sweep(controls(), mirrorsFor)).pipe(
    Effect.repeat(Schedule.spaced(`${sweepEvery} seconds`)),
    Effect.forkScoped
  )
