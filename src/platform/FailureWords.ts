/** Why the platform's file system failed, for people: its own message has the names of its functions. Pure. */
import type { PlatformError } from "effect/PlatformError"

const words: Readonly<Record<string, string>> = {
  NotFound: "is not there",
  PermissionDenied: "is not allowed for this user",
  AlreadyExists: "is there already",
  BadResource: "is not a file"
}

/** `/opt/cni/bin is not there`; `path` where the error names none. */
export const failureWords = ({ reason }: PlatformError, path: string): string => {
  const named = reason._tag === "BadArgument" ? path : String(reason.pathOrDescriptor ?? path)
  const said = words[reason._tag]
  return said === undefined ? `${named}: ${reason.message}` : `${named} ${said}`
}
