/** VPP as a network's switch, in one module, as `OvsEngine.ts` is. */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type { Around } from "../attachment/Composition.ts"
import { VppClient } from "./VppClient.ts"
import * as VppVswitch from "./VppVswitch.ts"

/** `control`: path of the API socket. */
export const engine = (control: string, { VppClient: client = identity, Vswitch: vswitch = identity }: Around) =>
  Effect.flatMap(client(VppClient.make(control)), (own) =>
    vswitch(Effect.provideService(VppVswitch.make, VppClient, own))
  )
