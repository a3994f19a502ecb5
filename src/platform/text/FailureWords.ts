/**
 * Describes a failure of the platform's file system for people, because its own message contains internal function
 * names. Pure.
 */
import type { PlatformError } from "effect/PlatformError"

const words: Readonly<Record<string, string>> = {
  NotFound: "does not exist",
  PermissionDenied: "cannot be accessed: permission denied",
  AlreadyExists: "already exists",
  BadResource: "is not a file"
}

/** `/opt/cni/bin does not exist`; `path` is used if the error has none. */
export const failureWords = ({ reason }: PlatformError, path: string): string => {
  const named = reason._tag === "BadArgument" ? path : String(reason.pathOrDescriptor ?? path)
  const said = words[reason._tag]
  return said === undefined ? `${named}: ${reason.message}` : `${named} ${said}`
}
