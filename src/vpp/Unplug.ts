/**
 * Removes the port of an attachment, whatever is known about it and whatever is left of it: by our mark, by the number
 * that only it has, and when nothing has either, by the socket's path, where the original plugin's ports and those of a
 * killed ADD are. An interface with another mark is never touched, and an index that somebody remembers never believed.
 */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import { keyOf, plainHandle } from "../attachment/Attachment.ts"
import type { VppPort } from "../cni/HostPort.ts"
import type { Files } from "../platform/Files.ts"
import type { Unplug } from "../vswitch/Vswitch.ts"
import * as Bridging from "./Bridging.ts"
import { byIndex, byMark, byName, bySocket, type Interface, memifSockets, vppKeeps } from "./Interfaces.ts"
import type { Selector } from "./Mark.ts"
import { selects } from "./Mark.ts"
import * as Memif from "./Memif.ts"
import { memifDump } from "./messages/Memif.ts"
import { attempts, type PortKind, portName, portNumber } from "./PortName.ts"
import { fromVpp } from "./Refusal.ts"
import { removeInterface } from "./Removal.ts"
import type { Session } from "./Session.ts"
import { madeByVpp } from "./SocketSurvey.ts"

const failed = fromVpp("unplug")

export const unplug = Effect.fnUntraced(function* (session: Session, files: Files["Service"], what: Unplug) {
  const port = what.port?.engine === "vpp" ? what.port : undefined
  const who = { key: what.key ?? keyOf(what.attachment), invocation: what.invocation }
  const found = yield* Effect.mapError(find(session, what, port, who), failed)
  const domains = yield* Effect.mapError(domainsOf(session, port, found), failed)
  const removed: Array<string> = []
  for (const one of found) {
    removed.push(
      ...(yield* removeInterface(session, files, one, {
        routed: port === undefined || port.network.netType === "interface",
        socketFile: port !== undefined && madeByVpp(port) ? what.socketPath : undefined
      }))
    )
  }
  if (found.length === 0 && what.invocation === undefined) {
    removed.push(...(yield* Effect.mapError(forgotten(session, what, who), failed)))
  }
  for (const domain of domains) {
    if (yield* Effect.mapError(Bridging.removeUnused(session, domain), failed)) removed.push(`bridge domain ${domain}`)
  }
  return removed
})

/** The usual case asks once, for one name. */
const find = Effect.fnUntraced(function* (session: Session, what: Unplug, port: VppPort | undefined, who: Selector) {
  const kinds: ReadonlyArray<PortKind> = port === undefined ? ["memif", "vhostuser"] : [port.iftype]
  for (const kind of kinds) {
    const numbered = yield* byNumber(session, kind, who)
    if (numbered !== undefined) return [numbered]
  }
  if (who.invocation !== undefined) return []
  const marked = yield* byMark(session, who)
  if (marked.length > 0) return marked
  return yield* unmarked(session, what)
})

/** One under our number without a mark is of an ADD that was killed before it could set it. */
const byNumber = Effect.fnUntraced(function* (session: Session, kind: PortKind, who: Selector) {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const there = yield* byName(session, portName(kind, portNumber(who.key, attempt)))
    if (there === undefined) return undefined
    if (selects(who, there.tag) || (there.tag === "" && who.invocation === undefined)) return there
  }
  return undefined
})

/** What the original plugin made. It set no mark; its socket tells whose it is. */
const unmarked = Effect.fnUntraced(function* (session: Session, { attachment, legacy, socketPath }: Unplug) {
  const indices = new Set(socketPath === undefined ? [] : yield* bySocket(session, socketPath))
  const remembered = legacy?.swIfIndex
  if (remembered !== undefined && remembered > 0 && session.offers(memifDump)) {
    const sockets = yield* memifSockets(session)
    const memif = (yield* session.dump(memifDump, {})).find(({ sw_if_index }) => sw_if_index === remembered)
    const path = memif === undefined ? undefined : sockets.get(memif.socket_id)
    if (path !== undefined && basename(path) === `memif-${plainHandle(attachment)}.sock`) indices.add(remembered)
  }
  const found: Array<Interface> = []
  for (const index of indices) {
    const there = yield* byIndex(session, index)
    if (there?.tag === "") found.push(there)
  }
  return found
})

/** A socket that a killed ADD registered and never used. */
const forgotten = Effect.fnUntraced(function* (session: Session, { port, socketPath }: Unplug, who: Selector) {
  if (socketPath === undefined || port?.iftype === "vhostuser" || !session.offers(memifDump)) return []
  const sockets = yield* memifSockets(session)
  const removed: Array<string> = []
  for (let attempt = 0; attempt < attempts; attempt++) {
    const number = portNumber(who.key, attempt)
    const path = sockets.get(number)
    const ours = path === vppKeeps(socketPath) || path?.startsWith(Memif.abstractName(socketPath)) === true
    if (ours && (yield* Memif.unregister(session, number))) removed.push(`memif socket ${number}`)
  }
  return removed
})

/** Those that may be empty afterwards. */
const domainsOf = Effect.fnUntraced(function* (
  session: Session,
  port: VppPort | undefined,
  found: ReadonlyArray<Interface>
) {
  if (port !== undefined) return port.network.netType === "bridge" ? [port.network.bridgeDomain] : []
  const domains = yield* Effect.forEach(found, ({ sw_if_index }) => Bridging.domainOf(session, sw_if_index))
  return domains.filter((domain) => domain !== undefined)
})
