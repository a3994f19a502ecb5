/** Open vSwitch as a network's switch, in one module: what is loaded together costs less than what is loaded in parts. */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as Scope from "effect/Scope"
import type { On } from "../program/On.ts"
import type { Vswitch } from "../vswitch/Vswitch.ts"
import { OvsClient } from "./client/OvsClient.ts"
import * as OvsVswitch from "./OvsVswitch.ts"

interface Around {
  readonly OvsClient?: On<OvsClient["Service"], Scope.Scope>
  readonly Vswitch?: On<Vswitch["Service"], Scope.Scope>
}

/** `control`: path of the database's socket. */
export const engine = (
  control: string,
  { OvsClient: client = identity, Vswitch: vswitch = identity }: Around,
  legacyPorts: OvsVswitch.LegacyPortsOf
) =>
  Effect.flatMap(client(OvsClient.make(control)), (own) =>
    vswitch(Effect.provideService(OvsVswitch.make(legacyPorts), OvsClient, own))
  )
