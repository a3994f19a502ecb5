/**
 * Checks a socket's path before VPP gets it. VPP deletes any file at the path of a vhost-user server; until 23.02 it
 * takes over a memif path with another listener; and a socket id is unusable after a failed bind. So such paths are
 * refused here.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type { VppPort } from "../../cni/network/HostPort.ts"
import type { Files } from "../../platform/Files.ts"
import { maximumPathBytes, pathBytes, type Sockets } from "../../platform/Sockets.ts"
import { isShortLink } from "../../shared-dir/SocketPaths.ts"
import type { PortError } from "../../vswitch/Vswitch.ts"
import type { Session } from "../client/Session.ts"
import { madeByVpp } from "../interfaces/Memif.ts"
import { fromFile, socketRefused, toError } from "../interfaces/PortError.ts"
import { socketFilenameAddDelV2 } from "../messages/Memif.ts"

const allowed = "with nothing but letters, digits, `.`, `_`, `-` and `/`"

/** A directory whose path VPP does not accept is reached through a link in the other directory. */
const shorter = (path: string): string =>
  isShortLink(dirname(path))
    ? `Use a shorter stateDir or socketfile, ${allowed}: the short link to the sharedDir is in stateDir.`
    : `Use a shorter sharedDir, ${allowed}.`

/** Checks the path itself. Pure. */
const pathProblem = (session: Session, port: VppPort, path: string): PortError | undefined => {
  // An abstract socket has a name, and no path.
  if (port.iftype === "memif" && port.abstract) return undefined
  const strict = port.iftype === "memif" && session.offers(socketFilenameAddDelV2)
  const limit = strict ? maximumPathBytes - 1 : maximumPathBytes
  const bytes = pathBytes(path)
  if (!path.startsWith("/"))
    return socketRefused(
      `socket path ${path} is not absolute`,
      "Set an absolute sharedDir: VPP would create the socket in its own run directory."
    )
  if (bytes > limit) return socketRefused(`socket path ${path} has ${bytes} bytes, it may have ${limit}`, shorter(path))
  const [foreign] = strict ? (/[^A-Za-z0-9_./-]/.exec(path) ?? []) : []
  return foreign === undefined
    ? undefined
    : socketRefused(`socket path ${path} has a ${JSON.stringify(foreign)}, which VPP does not accept`, shorter(path))
}

/** `early`: ADD has not created the directory yet, so a missing one is no problem. */
export const inspectSocket = Effect.fnUntraced(function* (
  files: Files["Service"],
  sockets: Sockets["Service"],
  session: Session,
  port: VppPort,
  path: string,
  early: boolean
) {
  const operation = "inspect the socket"
  const problem = pathProblem(session, port, path)
  if (problem !== undefined) return yield* toError(operation, problem)
  if (!madeByVpp(port)) return
  const look = (at: string) => Effect.mapError(files.lstat(at), fromFile(operation))
  if ((yield* look(dirname(path))) === undefined) {
    if (early) return
    return yield* toError(
      operation,
      socketRefused(`directory ${dirname(path)} does not exist`, "Create it, or set sharedDir to another directory.")
    )
  }
  const there = yield* look(path)
  if (there === undefined) return
  const cure = "Check whose it is (`ss -xlp`) and remove it, or set another socketfile."
  if (there.kind !== "socket")
    return yield* toError(operation, socketRefused(`a ${there.kind} exists at ${path}`, cure))
  // A socket without a listener is left over from a VPP that has ended. VPP replaces it.
  const listening = yield* Effect.scoped(sockets.connect(path)).pipe(
    Effect.as(true),
    Effect.catchIf(
      ({ code }) => code === "ECONNREFUSED" || code === "ENOENT",
      () => Effect.succeed(false)
    ),
    Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed(true) }),
    Effect.orElseSucceed(() => true)
  )
  if (listening) return yield* toError(operation, socketRefused(`another process listens on ${path}`, cure))
})
