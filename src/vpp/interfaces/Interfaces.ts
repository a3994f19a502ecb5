/** Finds VPP's interfaces by name, index, mark or socket. Each function requests as little as possible. */
import * as Effect from "effect/Effect"
import type { Session } from "../client/Session.ts"
import { bridgeDomainDump } from "../messages/BridgeDomain.ts"
import { every } from "../messages/Control.ts"
import { interfaceDump } from "../messages/Interface.ts"
import type { Dump, Message } from "../messages/Message.ts"
import { memifDump, socketFilenameDump, vhostUserDump } from "../messages/Ports.ts"
import { fromTag, type Selector, selects } from "./Mark.ts"

type Details<D> = D extends { readonly details: Message<infer A> } ? A : never

export type Interface = Details<typeof interfaceDump>

export const all = (session: Session) =>
  session.dump(interfaceDump, { sw_if_index: every, name_filter_valid: false, name_filter: "" })

/** Those with the plugin's mark. */
export const marked = (session: Session) =>
  Effect.map(all(session), (rows) =>
    rows.flatMap((one) => {
      const mark = fromTag(one.tag)
      return mark === undefined ? [] : [{ one, mark }]
    })
  )

/** Index 0 is VPP's `local0`; a request for it returns all. */
export const byIndex = Effect.fnUntraced(function* (session: Session, index: number) {
  const found = yield* session.dump(interfaceDump, { sw_if_index: index, name_filter_valid: false, name_filter: "" })
  return found.find(({ sw_if_index }) => sw_if_index === index)
})

/** VPP filters by substring, in any case. */
export const byName = Effect.fnUntraced(function* (session: Session, name: string) {
  const found = yield* session.dump(interfaceDump, { sw_if_index: every, name_filter_valid: true, name_filter: name })
  return found.find(({ interface_name }) => interface_name === name)
})

/** Searches all interfaces, for one that does not have its name. */
export const byMark = (session: Session, who: Selector) =>
  Effect.map(all(session), (found) => found.filter(({ tag }) => selects(who, tag)))

/** Nothing, where this VPP has no such message: then it has nothing of that kind. */
export const dumpAny = <A, D>(session: Session, message: Dump<A, D>, values: NoInfer<A>) =>
  session.offers(message) ? session.dump(message, values) : Effect.succeed<ReadonlyArray<D>>([])

export const memifs = (session: Session) => dumpAny(session, memifDump, {})
export const vhosts = (session: Session) => dumpAny(session, vhostUserDump, { sw_if_index: every })
export const domains = (session: Session) => dumpAny(session, bridgeDomainDump, { bd_id: every, sw_if_index: every })

/** Returns the ids of sockets with a path. VPP truncates longer paths. */
export const memifSockets = (session: Session) =>
  Effect.map(
    dumpAny(session, socketFilenameDump, {}),
    (sockets) => new Map(sockets.map(({ socket_filename, socket_id }) => [socket_id, socket_filename]))
  )

export const vppKeeps = (path: string): string => Buffer.from(path).subarray(0, 107).toString("utf8")

/** Returns the indices of the interfaces whose socket has this path. */
export const bySocket = Effect.fnUntraced(function* (session: Session, path: string) {
  const sockets = yield* memifSockets(session)
  const ids = [...sockets].filter(([, name]) => name === vppKeeps(path)).map(([id]) => id)
  const ours = ids.length === 0 ? [] : yield* memifs(session)
  return [
    ...ours.filter(({ socket_id }) => ids.includes(socket_id)),
    ...(yield* vhosts(session)).filter(({ sock_filename }) => sock_filename === path)
  ].map(({ sw_if_index }) => sw_if_index)
})
