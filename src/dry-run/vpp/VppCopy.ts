/**
 * A copy of the real VPP from its dumps, on which a plan is executed. Of addresses and routes, which can be numerous,
 * it keeps only those that are read or changed. It is larger than what a real call reads; a dry run is for a person,
 * once.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type { Session } from "../../vpp/client/Session.ts"
import * as Interfaces from "../../vpp/interfaces/Interfaces.ts"
import { policers } from "../../vpp/interfaces/Policers.ts"
import { showVersion } from "../../vpp/messages/Control.ts"
import { spanDump } from "../../vpp/messages/Interface.ts"
import type { Overlay } from "../edges/Overlay.ts"
import { spanKey } from "./InterfaceMessages.ts"
import { type Disk, traitsOf, VppModel } from "./VppModel.ts"

const runtimeDir = "/run/vpp"

/** An empty VPP of a new release. */
export const empty = (overlay: Overlay): VppModel => VppModel.started(traitsOf(""), runtimeDir, diskOf(overlay))

export const copyOf = Effect.fnUntraced(function* (session: Session, overlay: Overlay) {
  const { version } = yield* session.call(showVersion, {})
  const copy = new VppModel(traitsOf(version), runtimeDir, diskOf(overlay))
  const interfaces = yield* Interfaces.all(session)
  const memifs = yield* Interfaces.memifs(session)
  const vhosts = yield* Interfaces.vhosts(session)
  const domains = yield* Interfaces.domains(session)
  for (const [id, path] of yield* Interfaces.memifSockets(session)) copy.addSocket(id, path)
  for (const { sw_if_details: _, ...domain } of domains) copy.domains.set(domain.bd_id, domain)
  for (const policer of yield* policers(session)) copy.policers.set(policer.name, policer)
  for (const span of yield* Interfaces.dumpAny(session, spanDump, { is_l2: false })) copy.spans.set(spanKey(span), span)
  for (const row of interfaces) {
    const its = ({ sw_if_index }: { readonly sw_if_index: number }) => sw_if_index === row.sw_if_index
    copy.take(row, {
      memif: memifs.find(its),
      vhost: vhosts.find(its),
      domain: domains.find(({ sw_if_details }) => sw_if_details.some(its))?.bd_id
    })
  }
  return copy
})

/** The files of the plan. Listeners on VPP's sockets are unknown, and assumed not to exist. */
const diskOf = ({ appear, state, vanish }: Overlay): Disk => ({
  kind: (path) => {
    const kind = state.get(path)?.kind
    return kind === undefined || kind === "socket" ? kind : "other"
  },
  makeDirectory: (path) => state.put(path, "directory"),
  remove: (path) => {
    if (state.get(path) !== undefined) vanish(path)
  },
  listen: (path) => {
    if (state.get(dirname(path)) === undefined) return undefined
    appear(path)
    return { close: () => {} }
  },
  isListening: () => false
})
