/** Removes one interface and what VPP would leave behind: policers, routes, the id of its socket, the socket's file. */
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { type Files, orElse } from "../../platform/Files.ts"
import { isShortLink } from "../../shared-dir/SocketPaths.ts"
import type { Session } from "../client/Session.ts"
import { removeRoutes, type unknownRoutes } from "../interfaces/HostAddresses.ts"
import type { Interface } from "../interfaces/Interfaces.ts"
import type { Owner } from "../interfaces/Mark.ts"
import * as Memif from "../interfaces/Memif.ts"
import { fromFile, fromVpp } from "../interfaces/PortError.ts"
import { memifSocketOf } from "../interfaces/PortName.ts"
import * as VhostUser from "../interfaces/VhostUser.ts"

export interface Removal {
  /** Container's addresses to which it may have routes: a layer 3 port. */
  readonly routes: ReadonlyArray<string> | typeof unknownRoutes
  /** It may have policers, of this name. */
  readonly limited: Owner | undefined
  /** The socket's file, when VPP made it: memif leaves it behind. */
  readonly socketFile: string | undefined
}

/** Names what was removed. */
export const removeInterface = Effect.fnUntraced(function* (
  session: Session,
  files: Files["Service"],
  { interface_dev_type, interface_name, sw_if_index }: Interface,
  { limited, routes: known, socketFile }: Removal
) {
  const failed = fromVpp(`remove interface ${interface_name}`)
  const routes = yield* Effect.mapError(removeRoutes(session, sw_if_index, known), failed)
  const policers =
    limited === undefined
      ? []
      : yield* Effect.flatMap(Policers, ({ remove }) => Effect.mapError(remove(session, sw_if_index, limited), failed))
  const removed = [...policers, ...routes, `interface ${interface_name}`]
  if (interface_dev_type !== "memif") {
    yield* Effect.mapError(VhostUser.remove(session, sw_if_index), failed)
    return removed
  }
  // Renamed by somebody: 0 is VPP's own socket, which stays.
  const socket = memifSocketOf(interface_name) ?? 0
  const free = yield* Effect.mapError(Memif.removeBoth(session, sw_if_index, socket), failed)
  const gone = free && socketFile !== undefined && (yield* removeSocketFile(files, socketFile))
  return gone ? [...removed, `socket ${socketFile}`] : removed
})

const Policers = Effect.promise(() => import("../interfaces/Policers.ts"))

/**
 * Nothing but a socket; gone already is no failure. Not by way of our short link: what it leads to is a directory that a
 * container may have put a link in the place of (`Files.pin`).
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
