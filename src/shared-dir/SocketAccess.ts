/**
 * Who may use the shared files: the group of the configuration, and the users that may connect to a socket of the
 * switch. VPP's own sockets exclude everybody but root.
 */
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../cni/spec/CniError.ts"
import type { Files } from "../platform/Files.ts"
import { fromFile, SharedDirError } from "./SharedDirError.ts"
import type { SocketPaths } from "./SocketPaths.ts"

/**
 * Returns the number of the group that may use directory and socket (`host.vhost.group`), or undefined when none is
 * configured.
 */
export const gidOf = Effect.fnUntraced(function* (files: Files["Service"], { group }: SocketPaths) {
  if (group === undefined || /^\d+$/.test(group)) return group === undefined ? undefined : Number(group)
  const text = yield* Effect.mapError(files.read("/etc/group", 1 << 20), fromFile("read the groups in"))
  const gid = text
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === group)?.[2]
  if (gid !== undefined && /^\d+$/.test(gid)) return Number(gid)
  return yield* new SharedDirError({
    operation: `find the group ${group} in`,
    path: "/etc/group",
    answer: "not found",
    cure: "Set host.vhost.group to a group that exists on the node, or to a number.",
    code: ErrorCodes.InvalidConfiguration
  })
})

export interface SocketAccess {
  /** Undefined: any group, because everybody may connect. */
  readonly gid?: number
  readonly mode: number
}

export const of = (gid: number | undefined): SocketAccess =>
  gid === undefined ? { mode: 0o666 } : { mode: 0o660, gid }

export const is = (wanted: SocketAccess, { gid, mode }: SocketAccess): boolean =>
  mode === wanted.mode && (wanted.gid === undefined || gid === wanted.gid)

export const inWords = ({ gid, mode }: SocketAccess): string =>
  `mode ${mode.toString(8).padStart(4, "0")}${gid === undefined ? "" : ` of group ${gid}`}`
