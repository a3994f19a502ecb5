/** Open vSwitch as a network's switch, in one module: what is loaded together costs less than what is loaded in parts. */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type { Around } from "../attachment/Composition.ts"
import { OvsClient } from "./OvsClient.ts"
import * as OvsVswitch from "./OvsVswitch.ts"

/** `control`: path of the database's socket. */
export const engine = (control: string, { OvsClient: client = identity, Vswitch: vswitch = identity }: Around) =>
  Effect.flatMap(client(OvsClient.make(control)), (own) =>
    vswitch(Effect.provideService(OvsVswitch.make, OvsClient, own))
  )
