/**
 * Which ports an application is connected to. Two columns of Interface: with 500 ports `status` and the mark would cost
 * three times as much. The name of a port is derived from its attachment. Loaded on demand.
 */
import * as Effect from "effect/Effect"
import { portNameOf } from "../../identity/Attachment.ts"
import type { Connection } from "../../vswitch/Vswitch.ts"
import type { Daemon } from "../client/Daemon.ts"
import * as Marks from "../client/Marks.ts"
import type { OvsClient } from "../client/OvsClient.ts"
import { fromOvsdb, toError } from "../client/PortError.ts"
import { table } from "../client/Tables.ts"
import * as Transactions from "../client/Transactions.ts"
import { optional, text } from "../wire/Notation.ts"

/** ovs-vswitchd sets `link_state` of a vhost-user port to `up` while an application is connected. */
const Link = table("Interface", (column) => ({
  name: column("name", text),
  link_state: column("link_state", optional(text))
}))

const operation = "read connections"

export const connections = Effect.fnUntraced(function* (
  client: OvsClient["Service"],
  daemon: Daemon,
  keys: ReadonlyArray<string>
) {
  const rows = yield* Effect.mapError(
    client.select(Link, [Transactions.marked(Marks.ofNetwork(undefined))]),
    fromOvsdb(operation)
  )
  // The database keeps the last state after ovs-vswitchd has exited.
  const dead = rows.length === 0 ? undefined : yield* daemon.absent
  if (dead !== undefined) return yield* toError(operation, dead)
  const byName = new Map(rows.map(({ link_state, name }) => [name, link_state === "up"] as const))
  const found = new Map<string, Connection>()
  for (const key of keys) {
    const port = portNameOf(key)
    const connected = byName.get(port)
    if (connected !== undefined) found.set(key, { port, connected })
  }
  return found
})
