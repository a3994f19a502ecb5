/** What stands for a port on the switch, read for who compares it with what was asked for (`Verify.ts`). */
import * as Effect from "effect/Effect"
import type { OvsClient } from "../client/OvsClient.ts"
import type { PortPlan } from "../client/PortPlan.ts"
import type { PortRow } from "../client/Tables.ts"
import { needsFlow } from "../client/Transactions.ts"
import type { Found } from "./Verify.ts"

export const findings = Effect.fnUntraced(function* (client: OvsClient["Service"], plan: PortPlan, port: PortRow) {
  const bridge = yield* client.bridgeOf(port)
  const [row] = yield* client.interfacesOf(port)
  // A table that cannot be asked is that of a dead ovs-vswitchd: no flow there either.
  const learns = needsFlow(plan, bridge)
    ? yield* Effect.catch(client.learns(plan.bridge, plan.cookie), () => Effect.succeed(false))
    : true
  const found: Found = { port, bridge, interface: row, learns }
  return found
})
