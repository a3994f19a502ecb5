/** Why the platform's file system failed, for people: its own message has the names of its functions. Pure. */
import type { PlatformError } from "effect/PlatformError"

const words: Readonly<Record<string, string>> = {
  NotFound: "does not exist",
  PermissionDenied: "cannot be accessed: permission denied",
  AlreadyExists: "already exists",
  BadResource: "is not a file"
}

/** `/opt/cni/bin is not there`; `path` where the error names none. */
export const failureWords = ({ reason }: PlatformError, path: string): string => {
  const named = reason._tag === "BadArgument" ? path : String(reason.pathOrDescriptor ?? path)
  const said = words[reason._tag]
  return said === undefined ? `${named}: ${reason.message}` : `${named} ${said}`
}
