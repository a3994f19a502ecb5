/**
 * The ports with the plugin's mark, and policers that a port left behind. The mark has a key instead of names; records
 * have the names.
 */
import * as Effect from "effect/Effect"
import { networkDigest } from "../../identity/Attachment.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"
import type { Session } from "../client/Session.ts"
import { type Interface, marked, memifSockets, vhosts } from "../interfaces/Interfaces.ts"
import { memifSocketOf, type Owner } from "../interfaces/Mark.ts"
import { linkUp } from "../messages/Interface.ts"

export const list = Effect.fnUntraced(function* (session: Session, network: string | undefined) {
  const wanted = network === undefined ? undefined : networkDigest(network)
  const ours = (yield* marked(session)).filter(({ mark }) => wanted === undefined || mark.network === wanted)
  const sockets = yield* memifSockets(session)
  const servers = yield* vhosts(session)
  const pathOf = ({ interface_name, sw_if_index }: Interface) =>
    servers.find((vhost) => vhost.sw_if_index === sw_if_index)?.sock_filename ??
    sockets.get(memifSocketOf(interface_name) ?? -1)
  const { list: policers } = yield* Effect.promise(() => import("../interfaces/Policers.ts"))
  const alone = new Map((yield* policers(session)).map((policer) => [policer.key, policer]))
  for (const { mark } of ours) alone.delete(mark.key)
  const owned = ({ container, key }: Owner, rest: Pick<Owned, "port" | "socketPath" | "state">): Owned => ({
    key,
    network: network ?? "",
    containerId: container,
    ifName: "",
    pod: undefined,
    ...rest
  })
  return [
    ...ours.map(({ mark, one }) =>
      owned(mark, {
        port: one.interface_name,
        socketPath: pathOf(one),
        state: (one.flags & linkUp) === 0 ? "disconnected" : "connected"
      })
    ),
    // The interface was removed by somebody, and VPP keeps its policers.
    ...[...alone.values()]
      .filter((policer) => wanted === undefined || policer.network === wanted)
      .map((policer) =>
        owned(policer, { port: policer.name, socketPath: undefined, state: "policer without an interface" })
      )
  ]
})
