/** Removes one interface and what VPP would leave behind: policers, routes, the id of its socket, the socket's file. */
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { type Files, orElse } from "../../platform/Files.ts"
import { isShortLink } from "../../shared-dir/SocketPaths.ts"
import type { Session } from "../client/Session.ts"
import { removeRoutes, type unknownRoutes } from "../interfaces/HostAddresses.ts"
import type { Interface } from "../interfaces/Interfaces.ts"
import { memifSocketOf, type Owner } from "../interfaces/Mark.ts"
import * as Memif from "../interfaces/Memif.ts"
import { fromFile, fromVpp } from "../interfaces/PortError.ts"
import * as VhostUser from "../interfaces/VhostUser.ts"
import { spanDump } from "../messages/Span.ts"

interface Removal {
  /** The container's addresses to which it may have routes: a layer 3 port. */
  readonly routes: ReadonlyArray<string> | typeof unknownRoutes
  /** It may have policers of this owner. */
  readonly limited: Owner | undefined
  /** The socket's file if VPP created it: memif does not remove it. */
  readonly socketFile: string | undefined
}

/** Returns the names of what it removed. */
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
      yield* VhostUser.remove(session, sw_if_index)
      return removed
    }
    // The interface was renamed. Id 0 is VPP's own socket, which stays.
    const socket = memifSocketOf(interface_name) ?? 0
    const free = yield* Memif.removeBoth(session, sw_if_index, socket)
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
  const { unspanSource } = yield* Effect.promise(() => import("../capture/Spans.ts"))
  yield* unspanSource(session, own)
})

const removePolicers = Effect.fnUntraced(function* (session: Session, index: number, owner: Owner) {
  const { remove } = yield* Effect.promise(() => import("../interfaces/Policers.ts"))
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
