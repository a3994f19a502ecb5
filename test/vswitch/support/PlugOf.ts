/** Preflight and plug, as ADD calls them. */
import { Effect } from "effect"
import type { PortRequest, Vswitch } from "../../../src/vswitch/Vswitch.ts"

export const plugOf = (vswitch: Vswitch["Service"], wanted: PortRequest) =>
  Effect.scoped(Effect.flatMap(vswitch.preflight(wanted), (found) => vswitch.plug(wanted, found)))
