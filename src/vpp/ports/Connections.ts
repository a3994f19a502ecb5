/**
 * Which ports an application is connected to, by one dump of the interfaces: VPP cannot filter it by their marks.
 * Loaded on demand.
 */
import * as Effect from "effect/Effect"
import type { Connection } from "../../vswitch/Vswitch.ts"
import { check, toList } from "../client/RequiredMessages.ts"
import type { Session } from "../client/Session.ts"
import { marked } from "../interfaces/Interfaces.ts"
import { fromVpp } from "../interfaces/PortError.ts"
import { linkUp } from "../messages/Interface.ts"

export const operation = "read connections"

export const connections = Effect.fnUntraced(function* (session: Session, keys: ReadonlyArray<string>) {
  const rows = yield* Effect.mapError(Effect.andThen(check(session, toList), marked(session)), fromVpp(operation))
  const asked = new Set(keys)
  const found = new Map<string, Connection>()
  for (const { mark, one } of rows) {
    if (asked.has(mark.key)) found.set(mark.key, { port: one.interface_name, connected: (one.flags & linkUp) !== 0 })
  }
  return found
})
