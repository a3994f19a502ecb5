/**
 * Removes the port of an attachment, whatever is known or left of it: by its unique number, which a killed ADD leaves
 * without a mark, or by the mark. An interface with another mark is never touched.
 */

import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { VppPort } from "../cni/network/HostPort.ts"
import { keyOf } from "../identity/Attachment.ts"
import { type Files, orElse } from "../platform/Files.ts"
import { isShortLink } from "../shared-dir/SocketPaths.ts"
import type { Unplug } from "../vswitch/Vswitch.ts"
import type { Session } from "./client/Session.ts"
import { fromFile, fromVpp } from "./client/VppError.ts"
import * as Bridging from "./interfaces/Bridging.ts"
import * as HostAddresses from "./interfaces/HostAddresses.ts"
import { removeRoutes, type unknownRoutes } from "./interfaces/HostAddresses.ts"
import { all, byName, type Interface, memifSockets, vppKeeps } from "./interfaces/Interfaces.ts"
import {
  attempts,
  fromTag,
  markOf,
  memifSocketOf,
  type Owner,
  type PortKind,
  portName,
  portNumber,
  type Selector,
  selects
} from "./interfaces/Mark.ts"
import * as PortKinds from "./interfaces/PortKinds.ts"
import { spanDump } from "./messages/Interface.ts"
import { memifDump } from "./messages/Ports.ts"

export const unplug = Effect.fnUntraced(
  function* (session: Session, files: Files["Service"], what: Unplug) {
    const port = what.port?.engine === "vpp" ? what.port : undefined
    const who = {
      key: what.key ?? keyOf(what.attachment),
      invocation: what.invocation,
      unmarked: what.begun === true || what.invocation === undefined
    }
    const found = yield* find(session, port, who)
    const domains = yield* domainsOf(session, port, found)
    const socketOf = yield* socketsOf(session, what, port)
    const routes = routesOf(what, port)
    const removed: Array<string> = []
    for (const one of found) {
      const limited = limitedAs(what, port, one)
      const socketFile = port !== undefined && PortKinds.madeByVpp(port) ? socketOf(one) : undefined
      removed.push(...(yield* removeInterface(session, files, one, { routes, limited, socketFile })))
    }
    // Somebody removed the interface, and VPP keeps its routes.
    if (found.length === 0 && routes !== HostAddresses.unknownRoutes) yield* HostAddresses.takenRoute(session, routes)
    if (found.length === 0 && who.unmarked) {
      const left = [forgotten(session, what, who), leftPolicers(session, what, port, who)]
      removed.push(...(yield* Effect.all(left, { concurrency: "unbounded" })).flat())
    }
    for (const domain of domains) {
      if (yield* Bridging.removeUnused(session, domain)) removed.push(`bridge domain ${domain}`)
    }
    return removed
  },
  Effect.mapError(fromVpp("unplug"))
)

/** The routes of an ADD that succeeded are known; otherwise they are searched. */
const routesOf = ({ addresses }: Unplug, port: VppPort | undefined) => {
  if (port !== undefined && port.network.netType !== "interface") return []
  const planned = addresses === undefined ? undefined : HostAddresses.plan(addresses)
  return planned === undefined || Result.isFailure(planned) ? HostAddresses.unknownRoutes : planned.success.routes
}

/** Returns the path of a memif's socket. It is unknown if the interface was renamed. */
const socketsOf = Effect.fnUntraced(function* (session: Session, what: Unplug, port: VppPort | undefined) {
  if (what.unrecorded !== true || port?.iftype !== "memif" || !session.offers(memifDump)) return () => what.socketPath
  const sockets = yield* memifSockets(session)
  return ({ interface_name }: Interface) => sockets.get(memifSocketOf(interface_name) ?? -1)
})

interface Who extends Selector {
  /** An interface with the attachment's number and without a mark is the attachment's as well. */
  readonly unmarked: boolean
}

/** Usually one request for one name is sufficient. */
const find = Effect.fnUntraced(function* (session: Session, port: VppPort | undefined, who: Who) {
  const kinds: ReadonlyArray<PortKind> = port === undefined ? ["memif", "vhostuser"] : [port.iftype]
  for (const kind of kinds) {
    const numbered = yield* byNumber(session, kind, who)
    if (numbered !== undefined) return [numbered]
  }
  if (who.invocation !== undefined) return []
  const names = kinds.flatMap((kind) =>
    Array.from({ length: attempts }, (_, attempt) => portName(kind, portNumber(who.key, attempt)))
  )
  return (yield* all(session)).filter(
    ({ interface_name, tag }) => selects(who, tag) || (tag === "" && names.includes(interface_name))
  )
})

/** An interface with our number and without a mark belongs to an ADD that was killed before it could set it. */
const byNumber = Effect.fnUntraced(function* (session: Session, kind: PortKind, who: Who) {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const there = yield* byName(session, portName(kind, portNumber(who.key, attempt)))
    if (there === undefined) return undefined
    if (selects(who, there.tag) || (there.tag === "" && who.unmarked)) return there
  }
  return undefined
})

/** A socket that a killed ADD registered and never used. */
const forgotten = Effect.fnUntraced(function* (session: Session, { port, socketPath }: Unplug, who: Selector) {
  if (socketPath === undefined || port?.iftype === "vhostuser" || !session.offers(memifDump)) return []
  const sockets = yield* memifSockets(session)
  const removed: Array<string> = []
  for (let attempt = 0; attempt < attempts; attempt++) {
    const number = portNumber(who.key, attempt)
    const path = sockets.get(number)
    const ours = path === vppKeeps(socketPath) || path?.startsWith(PortKinds.abstractName(socketPath)) === true
    if (ours && (yield* PortKinds.unregisterSocket(session, number))) removed.push(`memif socket ${number}`)
  }
  return removed
})

/**
 * The tag records whether there are policers. A port without a tag has policers only if setting the tag was refused.
 */
const limitedAs = ({ attachment }: Unplug, port: VppPort | undefined, { tag }: Interface) => {
  const mark = fromTag(tag)
  if (mark !== undefined) return mark.limited ? mark : undefined
  return port !== undefined && port.limits.length > 0 ? markOf(attachment, "") : undefined
}

/** Policers whose interface somebody removed. Not searched if the port is known to have none. */
const leftPolicers = Effect.fnUntraced(function* (
  session: Session,
  { unrecorded }: Unplug,
  port: VppPort | undefined,
  { key }: Selector
) {
  if (port?.limits.length === 0 && unrecorded !== true) return []
  const { removeLeft } = yield* Effect.promise(() => import("./interfaces/Policers.ts"))
  return yield* removeLeft(session, key)
})

/** Bridge domains that may be empty afterwards. */
const domainsOf = Effect.fnUntraced(function* (
  session: Session,
  port: VppPort | undefined,
  found: ReadonlyArray<Interface>
) {
  if (port !== undefined) return port.network.netType === "bridge" ? [Bridging.numberOf(port.network)] : []
  const domains = yield* Effect.forEach(found, ({ sw_if_index }) => Bridging.domainOf(session, sw_if_index))
  return domains.filter((domain) => domain !== undefined)
})

interface Removal {
  /** The container's addresses to which it may have routes: a layer 3 port. */
  readonly routes: ReadonlyArray<string> | typeof unknownRoutes
  /** It may have policers of this owner. */
  readonly limited: Owner | undefined
  /** The socket's file if VPP created it: memif does not remove it. */
  readonly socketFile: string | undefined
}

/**
 * Removes one interface and what VPP would leave behind: policers, routes, the id of its socket, the socket's file.
 * Returns the names of what it removed.
 */
export const removeInterface = Effect.fnUntraced(
  function* (
    session: Session,
    files: Files["Service"],
    { interface_dev_type, interface_name, sw_if_index }: Interface,
    { limited, routes: known, socketFile }: Removal
  ) {
    yield* endCaptures(session, sw_if_index)
    const routes = yield* removeRoutes(session, sw_if_index, known)
    const policers = limited === undefined ? [] : yield* removePolicers(session, sw_if_index, limited)
    const removed = [...policers, ...routes, `interface ${interface_name}`]
    if (interface_dev_type !== "memif") {
      yield* PortKinds.removeVhostUser(session, sw_if_index)
      return removed
    }
    // The interface was renamed. Id 0 is VPP's own socket, which stays.
    const socket = memifSocketOf(interface_name) ?? 0
    const free = yield* PortKinds.removeMemifAndSocket(session, sw_if_index, socket)
    const gone = free && socketFile !== undefined && (yield* removeSocketFile(files, socketFile))
    return gone ? [...removed, `socket ${socketFile}`] : removed
  },
  (removing, _session, _files, { interface_name }) =>
    Effect.mapError(removing, fromVpp(`remove interface ${interface_name}`))
)

/** Of this interface: VPP keeps a span of one that is gone for whatever gets its index. Nobody else's span is touched. */
const endCaptures = Effect.fnUntraced(function* (session: Session, index: number) {
  if (!session.offers(spanDump)) return
  const own = (yield* session.dump(spanDump, { is_l2: false })).filter((one) => one.sw_if_index_from === index)
  if (own.length === 0) return
  const { unspanSource } = yield* Effect.promise(() => import("./VppMirrors.ts"))
  yield* unspanSource(session, own)
})

const removePolicers = Effect.fnUntraced(function* (session: Session, index: number, owner: Owner) {
  const { remove } = yield* Effect.promise(() => import("./interfaces/Policers.ts"))
  return yield* remove(session, index, owner)
})

/**
 * Removes the file if it is a socket; a missing file is not a failure. Does not use the short link, because a container
 * may have replaced its target directory by a link (`Files.pin`).
 */
export const removeSocketFile = Effect.fnUntraced(
  function* (files: Files["Service"], path: string) {
    const directory = dirname(path)
    const target = isShortLink(directory)
      ? yield* orElse(["ENOENT", "ENOTDIR", "EINVAL"], directory)(files.readLink(directory))
      : directory
    const at = join(target, basename(path))
    const there = yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.lstat(at))
    if (there?.kind !== "socket") return false
    yield* orElse("ENOENT", undefined)(files.unlink(at))
    return true
  },
  Effect.mapError(fromFile("remove the socket"))
)
