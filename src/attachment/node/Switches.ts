/**
 * The switches of a node. Each is connected on first use and then kept, for operations on several: GC and the list of
 * all attachments. No file lists them: they are the network's own, those of the records, and default ones that exist.
 */
import { dedupeWith } from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Control } from "../../cni/network/HostPort.ts"
import { defaultControl } from "../../cni/network/HostPorts.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { Edges } from "../../platform/Edges.ts"
import { Files } from "../../platform/Files.ts"
import { type EngineLayer, Vswitch } from "../../vswitch/Vswitch.ts"

export interface Switches {
  readonly at: (control: Control) => Effect.Effect<Vswitch["Service"]>
}

/** Its key, and its name for people. */
export const nameOf = ({ control, engine }: Control): string => `${engine} ${control}`

export const isSame = (one: Control, other: Control): boolean => nameOf(one) === nameOf(other)

/** The scope closes the connections. */
export const make = Effect.fnUntraced(function* (engine: (control: Control) => EngineLayer) {
  const scope = yield* Effect.scope
  const edges = yield* Effect.context<Edges>()
  const known = new Map<string, Effect.Effect<Vswitch["Service"], never, Edges>>()
  /** Built once. The memo map is its own, so nothing is shared with another switch. */
  const reach = (layer: EngineLayer) =>
    Effect.map(Layer.buildWithMemoMap(layer, Layer.makeMemoMapUnsafe(), scope), Context.get(Vswitch))
  return {
    at: (control) =>
      Effect.suspend(() => {
        const own = known.get(nameOf(control)) ?? reach(engine(control))
        known.set(nameOf(control), own)
        return own
      }).pipe(Effect.provideContext(edges))
  } satisfies Switches
})

/** Removes duplicates and keeps the order. */
export const distinct = (controls: ReadonlyArray<Control>): ReadonlyArray<Control> => dedupeWith(controls, isSame)

/** Returns the switches whose default socket exists: most nodes have one of the two. */
export const standing = Effect.fnUntraced(function* (variables: Variables) {
  const files = yield* Files
  const controls = (["ovs-dpdk", "vpp"] as const).map((engine) => ({
    engine,
    control: defaultControl(engine, variables)
  }))
  return yield* Effect.filter(controls, ({ control }) =>
    Effect.match(files.lstat(control), { onFailure: () => false, onSuccess: (there) => there !== undefined })
  )
})
