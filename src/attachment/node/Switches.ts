/**
 * The switches of a node. Each is connected on first use and then kept, for operations on several: GC and the list of
 * all attachments. No file lists them: they are the network's own, those of the records, and default ones that exist.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Control, Engine } from "../../cni/network/HostPort.ts"
import { defaultControl } from "../../cni/network/HostPorts.ts"
import type { Variables } from "../../cni/spec/Environment.ts"
import type { Edges } from "../../platform/Edges.ts"
import { Files } from "../../platform/Files.ts"
import type { EngineLayer } from "../../vswitch/Vswitch.ts"
import { Vswitch } from "../../vswitch/Vswitch.ts"

export interface Switches {
  readonly at: (control: Control) => Effect.Effect<Vswitch["Service"]>
}

const nameOf = ({ control, engine }: Control): string => `${engine} ${control}`

export const isSame = (one: Control, other: Control): boolean => nameOf(one) === nameOf(other)

/** The scope closes the connections. */
export const make = Effect.fnUntraced(function* (engine: (control: Control) => EngineLayer) {
  const scope = yield* Effect.scope
  const edges = yield* Effect.context<Edges>()
  const known = new Map<string, Effect.Effect<Vswitch["Service"], never, Edges>>()
  /** Built once. The memo map is its own, so nothing is shared with another switch. */
  const reach = (layer: EngineLayer) => {
    const memo = Layer.makeMemoMapUnsafe()
    return Effect.map(Layer.buildWithMemoMap(layer, memo, scope), (built) => Context.get(built, Vswitch))
  }
  const switches: Switches = {
    at: (control) =>
      Effect.suspend(() => {
        const own = known.get(nameOf(control)) ?? reach(engine(control))
        known.set(nameOf(control), own)
        return own
      }).pipe(Effect.provideContext(edges))
  }
  return switches
})

/** Removes duplicates and keeps the order. */
export const distinct = (controls: ReadonlyArray<Control>): ReadonlyArray<Control> =>
  controls.filter((one, index) => controls.findIndex((other) => isSame(one, other)) === index)

/** Returns the switches whose default socket exists: most nodes have one of the two. */
export const standing = Effect.fnUntraced(function* (variables: Variables) {
  const files = yield* Files
  const engines: ReadonlyArray<Engine> = ["ovs-dpdk", "vpp"]
  const controls = engines.map((engine): Control => ({ engine, control: defaultControl(engine, variables) }))
  return yield* Effect.filter(controls, ({ control }) =>
    Effect.map(
      Effect.orElseSucceed(files.lstat(control), () => undefined),
      (there) => there !== undefined
    )
  )
})
