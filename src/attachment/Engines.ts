/** The switch's layer for a port: the one place that knows both. Each is loaded when it is needed. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import type { HostPort } from "../cni/HostPort.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"
import { VswitchError } from "../vswitch/VswitchError.ts"
import type { EngineLayer } from "./Services.ts"

export const engineFor = (port: HostPort): EngineLayer => (port.engine === "vpp" ? vpp() : ovs(port.control))

const ovs = (control: string): EngineLayer =>
  Layer.unwrap(
    Effect.promise(() => Promise.all([import("../ovs/OvsClient.ts"), import("../ovs/OvsVswitch.ts")])).pipe(
      Effect.map(([{ OvsClient }, { layer }]) => Layer.provide(layer, OvsClient.layer(control)))
    )
  )

const vpp = (): EngineLayer => {
  const refuse = Effect.fail(
    new VswitchError({
      engine: "vpp",
      operation: "choose the switch",
      answer: "this release serves Open vSwitch only",
      cure: "Set host.engine to ovs-dpdk.",
      code: ErrorCodes.InvalidConfiguration
    })
  )
  const method = () => refuse
  return Layer.succeed(
    Vswitch,
    Vswitch.of({ preflight: method, plug: method, unplug: method, verify: method, list: method, status: refuse })
  )
}
