/** The layer for a switch: the one place that knows both. Each is loaded when it is needed. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Control } from "../cni/HostPort.ts"
import type { EngineLayer } from "./Services.ts"

export const engineFor = ({ control, engine }: Control): EngineLayer =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => (engine === "vpp" ? import("../vpp/VppEngine.ts") : import("../ovs/OvsEngine.ts"))),
      ({ engine }) => engine(control)
    )
  )
