/** Open vSwitch as a network's switch, in one module: what is loaded together costs less than what is loaded in parts. */
import * as Layer from "effect/Layer"
import type { EngineLayer } from "../attachment/Services.ts"
import { OvsClient } from "./OvsClient.ts"
import * as OvsVswitch from "./OvsVswitch.ts"

/** `control`: path of the database's socket. */
export const engine = (control: string): EngineLayer => Layer.provide(OvsVswitch.layer, OvsClient.layer(control))
