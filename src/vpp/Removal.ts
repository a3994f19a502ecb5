/** Removes one interface and what VPP would leave of it: routes, the id of its socket, the socket's file. */
import * as Effect from "effect/Effect"
import { type Files, orElse } from "../platform/Files.ts"
import { removeRoutes } from "./HostAddresses.ts"
import type { Interface } from "./Interfaces.ts"
import * as Memif from "./Memif.ts"
import { memifSocketOf } from "./PortName.ts"
import { fromFile, fromVpp } from "./Refusal.ts"
import type { Session } from "./Session.ts"
import * as VhostUser from "./VhostUser.ts"

export interface Removal {
  /** It may have routes: of a layer 3 port, or of one about which nothing is known. */
  readonly routed: boolean
  /** The socket's file, when VPP made it: memif leaves it behind. */
  readonly socketFile: string | undefined
}

/** Names what was removed. */
export const removeInterface = Effect.fnUntraced(function* (
  session: Session,
  files: Files["Service"],
  { interface_dev_type, interface_name, sw_if_index }: Interface,
  { routed, socketFile }: Removal
) {
  const failed = fromVpp(`remove interface ${interface_name}`)
  const routes = routed ? yield* Effect.mapError(removeRoutes(session, sw_if_index), failed) : []
  const removed = [...routes, `interface ${interface_name}`]
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

/** Nothing but a socket; gone already is no failure. */
export const removeSocketFile = Effect.fnUntraced(
  function* (files: Files["Service"], path: string) {
    const there = yield* orElse(["ENOENT", "ENOTDIR"], undefined)(files.lstat(path))
    if (there?.kind !== "socket") return false
    yield* orElse("ENOENT", undefined)(files.unlink(path))
    return true
  },
  Effect.mapError(fromFile("remove the socket"))
)
