/**
 * VLAN ports of an earlier release: in the bridge's own bridge domain, with a tag rewrite and VPP's filter, through
 * which one frame of a pod crashes VPP. They are moved to the bridge domain of their VLAN: each by `userspace restore`,
 * with its record, and all of a bridge by its next ADD, which uses this module.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { within } from "../platform/Within.ts"
import { run, type Session } from "./client/Session.ts"
import type { VppError } from "./client/VppError.ts"
import * as Bridging from "./interfaces/Bridging.ts"
import { byIndex, type Interface } from "./interfaces/Interfaces.ts"
import { fromTag } from "./interfaces/Mark.ts"
import { pushOne } from "./messages/BridgeDomain.ts"

/** The per-attachment lock, held until the scope closes. */
export type Alone = (key: string) => Effect.Effect<void, VppError, Scope.Scope>

/** The holder of the lock removes the port or restores it. */
const busy = { duration: "1 second", orElse: () => Effect.succeed("another call works on its attachment") } as const

const keyOf = ({ tag, vtr_op }: Interface): string | undefined => (vtr_op === pushOne ? fromTag(tag)?.key : undefined)

/**
 * Inspects only members of the bridge's bridge domain. Never fails: the ADD has its port, and CHECK reports the rest.
 */
export const move = Effect.fnUntraced(
  function* (session: Session, alone: Alone, bridge: number) {
    const domain = yield* Bridging.find(session, bridge)
    const members = yield* Effect.forEach(
      domain?.sw_if_details ?? [],
      ({ sw_if_index }) => byIndex(session, sw_if_index),
      { concurrency: "unbounded" }
    )
    for (const one of members) {
      const key = one === undefined ? undefined : keyOf(one)
      if (one === undefined || key === undefined) continue
      const left = yield* within(busy)(Effect.scoped(Effect.andThen(alone(key), moveOne(session, bridge, one))))
      yield* left === undefined
        ? Effect.logInfo(
            `${one.interface_name} was attached by an earlier release; it was moved to VLAN ${one.vtr_tag1}`
          )
        : Effect.logWarning(
            `${one.interface_name} was attached by an earlier release and was not moved: ${left}. ${cure}`
          )
    }
    yield* Bridging.removeUnused(session, bridge)
  },
  Effect.catch((error) =>
    Effect.logWarning(`ports of an earlier release were not moved to their VLANs: ${error.message}. ${cure}`)
  )
)

const cure = "Run `userspace restore`, or delete the pod."

/**
 * Returns why the port was not moved. An index may have been reused, so the port is inspected again under the
 * attachment's lock.
 */
const moveOne = Effect.fnUntraced(function* (session: Session, bridgeDomain: number, seen: Interface) {
  const { sw_if_index, tag, vtr_tag1: vlan } = seen
  const network = { netType: "bridge", bridgeDomain, vlan } as const
  if (!Bridging.hasVlans(bridgeDomain)) return `bridge ${bridgeDomain} cannot have VLANs, its number is above 4095`
  const [there, domain] = yield* Effect.all(
    [byIndex(session, sw_if_index), Bridging.find(session, Bridging.numberOf(network))],
    { concurrency: "unbounded" }
  )
  if (there === undefined || there.tag !== tag || keyOf(there) === undefined) return "it has just been changed"
  const other = Bridging.conflict(network, domain)
  if (other !== undefined) return `bridge domain ${Bridging.numberOf(network)} is ${other}`
  yield* run(session, [...Bridging.leave(session, sw_if_index), ...Bridging.join(session, sw_if_index, network)])
  return undefined
})
