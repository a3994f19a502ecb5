/** VPP as a network's switch, in one module, as `OvsEngine.ts` is. */
import * as Layer from "effect/Layer"
import type { EngineLayer } from "../attachment/Services.ts"
import { VppClient } from "./VppClient.ts"
import * as VppVswitch from "./VppVswitch.ts"

/** `control`: path of the API socket. */
export const engine = (control: string): EngineLayer => Layer.provide(VppVswitch.layer, VppClient.layer(control))
