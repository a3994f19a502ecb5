/** Calls of `Vswitch` in the suites: each as if by a separate process, with short deadlines. */
import { Effect } from "effect"
import { OvsDeadlines } from "../../src/ovs/client/JsonRpc.ts"
import type { Row } from "../../src/ovs/client/OvsdbMessages.ts"
import { type PortRequest, type Unplug, Vswitch, type VswitchError } from "../../src/vswitch/Vswitch.ts"
import { plugOf } from "../vswitch/support/PlugOf.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { administrator, newBridge, quick, SwitchUnderTest } from "./SwitchUnderTest.ts"

export const once = <A>(f: (vswitch: Vswitch["Service"]) => Effect.Effect<A, VswitchError>) =>
  Effect.flatMap(SwitchUnderTest, ({ vswitch }) =>
    Effect.flatMap(Vswitch, f).pipe(Effect.provide(vswitch), Effect.provideService(OvsDeadlines, quick))
  )
export const plug = (wanted: PortRequest) => once((vswitch) => plugOf(vswitch, wanted))
export const restore = (wanted: PortRequest) => once((vswitch) => vswitch.restore(wanted))
export const unplug = (wanted: Unplug) => once((vswitch) => vswitch.unplug(wanted))
export const connections = (...keys: ReadonlyArray<string>) => once((vswitch) => vswitch.connections(keys))
export const traffic = once((vswitch) => vswitch.traffic)
export const status = ({ port }: PortRequest) => once((vswitch) => vswitch.status(port))
export const verify = (wanted: PortRequest) =>
  Effect.map(
    once((vswitch) => vswitch.verify(wanted)),
    (all) => all.map(({ what }) => what)
  )

/** The port is removed when the test ends, with success or not. */
export const plugged = (wanted: PortRequest) =>
  Effect.acquireRelease(plug(wanted), () => Effect.ignore(unplug(unplugOf(wanted))))

export const refusal = (self: Effect.Effect<unknown, VswitchError, SwitchUnderTest>) => Effect.flip(Effect.asVoid(self))

/** A bridge of the administrator, for the time of the test. */
export const existing = Effect.fnUntraced(function* (row?: Row) {
  const { bridge, removeBridge } = yield* administrator
  const name = newBridge()
  yield* Effect.acquireRelease(bridge(name, row), () => Effect.ignore(removeBridge(name)))
  return name
})
