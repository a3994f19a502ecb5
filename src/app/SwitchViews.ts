/**
 * What else is done with the switch at a control socket, besides ports: it is watched, viewed by `doctor`, and
 * mirrored. Loaded on demand, and by no call.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Control } from "../cni/network/HostPort.ts"
import type { Edges } from "../platform/Edges.ts"
import type { Mirrors } from "../vswitch/Mirrors.ts"
import type { View } from "../vswitch/View.ts"
import type { Watch } from "../vswitch/Watch.ts"

/** Watches the same switch. */
export const watchFor =
  ({ control, engine }: Control): Watch =>
  (tell) =>
    Effect.flatMap(
      Effect.promise(() => (engine === "vpp" ? import("../vpp/VppWatch.ts") : import("../ovs/OvsWatch.ts"))),
      ({ watch }) => watch(control)(tell)
    )

/** The same switch, as `doctor` looks at it. */
export const viewOf = ({ control, engine }: Control): View =>
  Effect.flatMap(
    Effect.promise(
      (): Promise<{ readonly view: (path: string) => View }> =>
        engine === "vpp" ? import("../vpp/VppView.ts") : import("../ovs/OvsView.ts")
    ),
    ({ view }) => view(control)
  )

/** What captures do on the same switch. */
export const mirrorsFor = ({ control, engine }: Control): Effect.Effect<Mirrors, never, Edges | Scope.Scope> =>
  engine === "vpp"
    ? Effect.flatMap(
        Effect.promise(() => import("../vpp/VppMirrors.ts")),
        ({ make }) => make(control)
      )
    : Effect.flatMap(
        Effect.promise(() => import("../ovs/OvsMirrors.ts")),
        ({ make }) => make(control)
      )
