/**
 * Configures an interface as the requested port: tag, MTU, bridge domain, addresses, limits, up. Checks for conflicts
 * first. ADD uses it on a new interface, restore on an incomplete one.
 */
import * as Effect from "effect/Effect"
import type { VppPort } from "../../cni/network/HostPort.ts"
import type { PortRequest } from "../../vswitch/Vswitch.ts"
import { run, type Session, type Step, step } from "../client/Session.ts"
import type { Bridge } from "../interfaces/Bridging.ts"
import * as Bridging from "../interfaces/Bridging.ts"
import * as HostAddresses from "../interfaces/HostAddresses.ts"
import { byIndex } from "../interfaces/Interfaces.ts"
import { markOf, toTag } from "../interfaces/Mark.ts"
import type { Policing } from "../interfaces/Policers.ts"
import { fromVpp, otherBridge, routeTaken, toError } from "../interfaces/PortError.ts"
import { adminUp, setFlags, setHardwareMtu, setMtu, tagAddDel } from "../messages/Interface.ts"
import type { VppError } from "../wire/VppError.ts"

export interface Plan<P extends VppPort = VppPort> {
  readonly request: PortRequest
  readonly port: P
  readonly addresses: HostAddresses.Plan
  /** Undefined: no limit is requested. */
  readonly policing: Policing | undefined
}

/**
 * The port's bridge domain before the port joins it; fails when it is something else. `missing`: the port would make
 * it. `earlier`: the bridge's own may have ports of an earlier release.
 */
export const inspectDomain = Effect.fnUntraced(function* (session: Session, bridge: Bridge) {
  const own = refuseConflict(session, "plug", bridge)
  const { bridgeDomain, vlan } = bridge
  const whole =
    vlan === undefined
      ? undefined
      : Effect.mapError(Bridging.find(session, bridgeDomain), fromVpp(`inspect bridge domain ${bridgeDomain}`))
  const [there, bridges] = yield* Effect.all([own, whole ?? Effect.void], { concurrency: "unbounded" })
  const missing = there === undefined
  return { missing, earlier: Bridging.mayHaveEarlier(whole === undefined ? there : (bridges ?? undefined)) }
})

/**
 * Configures the interface as the port, and reads it back. One that joins a bridge domain goes up in a second step, so
 * that no frame passes if the bridge domain was replaced since its inspection.
 */
export const setUp = Effect.fnUntraced(function* (
  session: Session,
  plan: Plan,
  index: number,
  refused: (error: VppError) => void = () => {},
  before: ReadonlyArray<Step> = []
) {
  const { network } = plan.port
  const up = step(setFlags, { sw_if_index: index, flags: adminUp })
  const apply = (steps: ReadonlyArray<Step>) =>
    run(session, steps).pipe(
      Effect.tapError((error) => Effect.sync(() => refused(error))),
      Effect.mapError(fromVpp("set up the port"))
    )
  // VPP replies in order, so this reads the result of the steps before.
  const read = Effect.mapError(byIndex(session, index), fromVpp("set up the port"))
  const steps = [...before, ...settings(session, plan, index)]
  const both = { concurrency: "unbounded" } as const
  if (network.netType === "bridge") {
    const [, domain] = yield* Effect.all([apply(steps), refuseConflict(session, "set up the port", network)], both)
    const [, there] = yield* Effect.all([apply([...Bridging.limitMacs(session, domain), up]), read], both)
    return there
  }
  const [, there] = yield* Effect.all([apply([...steps, up]), read], both)
  return there
})

/**
 * Fails when a bridge domain of ours is used for something else. Returns the bridge's, which may have ports of an
 * earlier release.
 */
export const refuseConflict = Effect.fnUntraced(function* (session: Session, operation: string, bridge: Bridge) {
  const number = Bridging.numberOf(bridge)
  const there = yield* Effect.mapError(Bridging.find(session, number), fromVpp(`inspect bridge domain ${number}`))
  const other = Bridging.conflict(bridge, there)
  return other === undefined ? there : yield* toError(operation, otherBridge(number, other))
})

/** Refuses an address that is already routed elsewhere. */
export const refuseTaken = Effect.fnUntraced(function* (
  session: Session,
  operation: string,
  { routes }: HostAddresses.Plan,
  own?: number
) {
  const taken = yield* Effect.mapError(HostAddresses.takenRoute(session, routes, own), fromVpp("inspect the routes"))
  if (taken !== undefined) return yield* toError(operation, routeTaken(taken.to, taken.name))
})

/** The settings of the port, except up. All but addresses can be set again without other effects. */
const settings = (
  session: Session,
  { addresses, policing, port, request }: Plan,
  index: number
): ReadonlyArray<Step> => {
  const tag = toTag(markOf(request.attachment, request.invocation, policing?.kept))
  return [
    ...(port.iftype === "memif" ? [step(tagAddDel, { is_add: true, sw_if_index: index, tag })] : []),
    ...(port.mtu === undefined ? [] : withMtu(index, port.mtu)),
    ...(port.network.netType === "bridge" ? Bridging.join(session, index, port.network) : []),
    ...HostAddresses.addAddresses(index, addresses),
    ...(policing?.steps(index) ?? [])
  ]
}

/** No such driver, or no Ethernet: vhost-user, and memif in mode ip. Their MTU is that of layer 3. */
const noHardwareMtu = [-126, -30]

export const withMtu = (index: number, mtu: number): ReadonlyArray<Step> => [
  step(setHardwareMtu, { sw_if_index: index, mtu }, noHardwareMtu),
  step(setMtu, { sw_if_index: index, mtu: [mtu, 0, 0, 0] })
]
