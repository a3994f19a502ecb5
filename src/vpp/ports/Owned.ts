/**
 * The ports with the plugin's mark, and policers that a port left behind. The mark has a key instead of names; records
 * have the names.
 */
import * as Effect from "effect/Effect"
import { networkDigest } from "../../identity/Attachment.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"
import type { Session } from "../client/Session.ts"
import { all, type Interface, memifSockets } from "../interfaces/Interfaces.ts"
import { fromTag, type Mark, type Owner } from "../interfaces/Mark.ts"
import { memifSocketOf } from "../interfaces/PortName.ts"
import { every } from "../messages/Control.ts"
import { linkUp } from "../messages/Interface.ts"
import { socketFilenameDump } from "../messages/Memif.ts"
import { vhostUserDump } from "../messages/VhostUser.ts"

export const list = Effect.fnUntraced(function* (session: Session, network: string | undefined) {
  const wanted = network === undefined ? undefined : networkDigest(network)
  const marked = (yield* all(session)).flatMap((one) => {
    const mark = fromTag(one.tag)
    return mark === undefined || (wanted !== undefined && mark.network !== wanted) ? [] : [{ one, mark }]
  })
  const sockets = session.offers(socketFilenameDump) ? yield* memifSockets(session) : new Map<number, string>()
  const vhosts = session.offers(vhostUserDump) ? yield* session.dump(vhostUserDump, { sw_if_index: every }) : []
  const pathOf = ({ interface_name, sw_if_index }: Interface) =>
    vhosts.find((vhost) => vhost.sw_if_index === sw_if_index)?.sock_filename ??
    sockets.get(memifSocketOf(interface_name) ?? -1)
  const { list: policers } = yield* Effect.promise(() => import("../interfaces/Policers.ts"))
  const alone = new Map((yield* policers(session)).map((policer) => [policer.key, policer]))
  for (const { mark } of marked) alone.delete(mark.key)
  return [
    ...marked.map(({ mark, one }) => owned(mark, one, pathOf(one), network)),
    ...[...alone.values()]
      .filter((policer) => wanted === undefined || policer.network === wanted)
      .map((policer) => left(policer, network))
  ]
})

/** The interface was removed by somebody, and VPP keeps its policers. */
const left = ({ container, key, name }: Owner & { readonly name: string }, network: string | undefined): Owned => ({
  key,
  network: network ?? "",
  containerId: container,
  ifName: "",
  pod: undefined,
  port: name,
  socketPath: undefined,
  state: "policer without an interface"
})

const owned = (
  { container, key }: Mark,
  { flags, interface_name }: Interface,
  socketPath: string | undefined,
  network: string | undefined
): Owned => ({
  key,
  network: network ?? "",
  containerId: container,
  ifName: "",
  pod: undefined,
  port: interface_name,
  socketPath,
  state: (flags & linkUp) === 0 ? "disconnected" : "connected"
})
