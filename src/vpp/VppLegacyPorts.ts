/**
 * Ports of the original plugin on VPP (the fork has none): interfaces without a tag. Found at the socket's path, or by
 * the index in the state file, where the interface has a socket of the attachment's name. Removed here, never created.
 */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import { keyOf, plainHandle } from "../identity/Attachment.ts"
import type { Files } from "../platform/Files.ts"
import { type LegacyAsked, type LegacyPorts, noLegacyPorts } from "../vswitch/Vswitch.ts"
import { fromVpp } from "./client/VppError.ts"
import * as Bridging from "./interfaces/Bridging.ts"
import { unknownRoutes } from "./interfaces/HostAddresses.ts"
import { byIndex, bySocket, type Interface, memifSockets } from "./interfaces/Interfaces.ts"
import { memifSocketOf } from "./interfaces/Mark.ts"
import { madeByVpp } from "./interfaces/PortKinds.ts"
import { memifDump } from "./messages/Ports.ts"
import { removeInterface } from "./Unplug.ts"
import type { OpenSession } from "./VppVswitch.ts"

type Session = Effect.Success<ReturnType<OpenSession>>

const failed = fromVpp("remove the port of the original plugin")

const find = Effect.fnUntraced(function* (session: Session, sockets: ReadonlyMap<number, string>, asked: LegacyAsked) {
  const { attachment, port, socketPath, state } = asked
  const indices = new Set(socketPath === undefined ? [] : yield* bySocket(session, socketPath))
  const index = state?.swIfIndex ?? 0
  if (index > 0 && session.offers(memifDump)) {
    const memif = (yield* session.dump(memifDump, {})).find(({ sw_if_index }) => sw_if_index === index)
    const path = memif === undefined ? undefined : sockets.get(memif.socket_id)
    const names = [`memif-${plainHandle(attachment)}.sock`, port?.socketFile]
    if (path !== undefined && names.includes(basename(path))) indices.add(index)
  }
  const found: Array<Interface> = []
  for (const one of indices) {
    const there = yield* byIndex(session, one)
    if (there?.tag === "") found.push(there)
  }
  return found
})

export const make = (open: OpenSession, files: Files["Service"]): LegacyPorts => ({
  ...noLegacyPorts,
  remove: Effect.fnUntraced(function* (asked) {
    const { attachment, port, socketPath } = asked
    if (port?.engine !== "vpp") return []
    const session = yield* open(keyOf(attachment))
    const sockets = session.offers(memifDump) ? yield* Effect.mapError(memifSockets(session), failed) : new Map()
    const { network } = port
    const removed: Array<string> = []
    for (const one of yield* Effect.mapError(find(session, sockets, asked), failed)) {
      const socket = port.iftype === "memif" ? sockets.get(memifSocketOf(one.interface_name) ?? -1) : socketPath
      removed.push(
        ...(yield* removeInterface(session, files, one, {
          routes: network.netType === "interface" ? unknownRoutes : [],
          limited: undefined,
          socketFile: madeByVpp(port) ? socket : undefined
        }))
      )
    }
    // The original has no bridge domain for each VLAN.
    const domains = network.netType === "bridge" ? new Set([Bridging.numberOf(network), network.bridgeDomain]) : []
    for (const domain of removed.length > 0 ? domains : []) {
      if (yield* Effect.mapError(Bridging.removeUnused(session, domain), failed))
        removed.push(`bridge domain ${domain}`)
    }
    return removed
  }, Effect.scoped)
})
