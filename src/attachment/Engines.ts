/** The switch's layer for a port: the one place that knows both. Each is loaded when it is needed. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { HostPort } from "../cni/HostPort.ts"
import type { EngineLayer } from "./Services.ts"

export const engineFor = (port: HostPort): EngineLayer =>
  port.engine === "vpp" ? vpp(port.control) : ovs(port.control)

const ovs = (control: string): EngineLayer =>
  Layer.unwrap(
    Effect.promise(() => Promise.all([import("../ovs/OvsClient.ts"), import("../ovs/OvsVswitch.ts")])).pipe(
      Effect.map(([{ OvsClient }, { layer }]) => Layer.provide(layer, OvsClient.layer(control)))
    )
  )

const vpp = (control: string): EngineLayer =>
  Layer.unwrap(
    Effect.promise(() => Promise.all([import("../vpp/VppClient.ts"), import("../vpp/VppVswitch.ts")])).pipe(
      Effect.map(([{ VppClient }, { layer }]) => Layer.provide(layer, VppClient.layer(control)))
    )
  )
