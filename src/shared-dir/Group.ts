/** The number of the group that may use directory and socket (`host.vhost.group`); undefined: none was asked for. */
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../cni/spec/ErrorCodes.ts"
import type { Files } from "../platform/Files.ts"
import { fromFile, SharedDirError } from "./SharedDirError.ts"
import type { Place } from "./SocketPaths.ts"

export const gidOf = Effect.fnUntraced(function* (files: Files["Service"], { group }: Place) {
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
    answer: "not there",
    cure: "Set host.vhost.group to a group that exists on the node, or to a number.",
    code: ErrorCodes.InvalidConfiguration
  })
})
