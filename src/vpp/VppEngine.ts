/** VPP as a network's switch, in one module, as `OvsEngine.ts` is. */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as Scope from "effect/Scope"
import type { On } from "../program/On.ts"
import type { Vswitch } from "../vswitch/Vswitch.ts"
import { VppClient } from "./client/VppClient.ts"
import * as VppVswitch from "./VppVswitch.ts"

interface Around {
  readonly VppClient?: On<VppClient["Service"], Scope.Scope>
  readonly Vswitch?: On<Vswitch["Service"], Scope.Scope>
}

/** `control`: path of the API socket. */
export const engine = (control: string, { VppClient: client = identity, Vswitch: vswitch = identity }: Around) =>
  Effect.flatMap(client(VppClient.make(control)), (own) =>
    vswitch(Effect.provideService(VppVswitch.make, VppClient, own))
  )
