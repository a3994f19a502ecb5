/** A command of a whole node: its switches, and its records below a directory. */
import * as Effect from "effect/Effect"
import { engineFor, services } from "../../app/Composition.ts"
import { mirrorsFor } from "../../app/SwitchViews.ts"
import * as Switches from "../../attachment/node/Switches.ts"
import type { Records } from "../../attachment/records/Records.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import { defaultLogOptions } from "../../cni/network/LogOptions.ts"
import type { Ipam } from "../../ipam/Ipam.ts"
import type { Edges } from "../../platform/Edges.ts"
import * as Log from "../../program/Log.ts"
import type { SharedDir } from "../../shared-dir/SharedDir.ts"

type OnSwitches<A, E> = (switches: Switches.Switches) => Effect.Effect<A, E, Edges | Ipam | Records | SharedDir>

/** Runs on this node, with its records below `stateDir`. */
export const onNode = <A, E>(stateDir: string, self: OnSwitches<A, E>): Effect.Effect<A, E, Edges> =>
  Effect.scoped(Effect.flatMap(Switches.make(engineFor), self)).pipe(
    Effect.withTracerEnabled(false),
    Effect.provide(services(stateDir)),
    Effect.provide(Log.layer(defaultLogOptions))
  )

/** The same for a command that cleans up, unless its run is dry: it also removes what killed captures have left. */
export const onNodeSwept = <A, E>(stateDir: string, dry: boolean, self: OnSwitches<A, E>): Effect.Effect<A, E, Edges> =>
  onNode(stateDir, dry ? self : (switches) => andSwept(switches, self))

/** Sweeps the switches that were asked. */
const andSwept = Effect.fnUntraced(function* <A, E, R>(
  switches: Switches.Switches,
  self: (switches: Switches.Switches) => Effect.Effect<A, E, R>
) {
  const asked: Array<Control> = []
  const at: Switches.Switches["at"] = (control) => {
    asked.push(control)
    return switches.at(control)
  }
  const done = yield* self({ at })
  const { sweep } = yield* Effect.promise(() => import("../../attachment/capture/Sweep.ts"))
  yield* sweep(Switches.distinct(asked), mirrorsFor)
  return done
})
