/** The error of `SharedDir`: which path, what the system returned, what to do. */
import * as Data from "effect/Data"
import { ErrorCodes, type Explained } from "../cni/types/CniError.ts"
import type { FileError } from "../platform/Files.ts"

export class SharedDirError
  extends Data.TaggedError("SharedDirError")<{
    /** `make the shared directory`, `write the configuration for the container`. */
    readonly operation: string
    readonly path: string
    /** The system's error code, or a sentence. */
    readonly answer: string
    readonly cure: string
    readonly code: typeof ErrorCodes.IoFailure | typeof ErrorCodes.SocketPath | typeof ErrorCodes.InvalidConfiguration
  }>
  implements Explained
{
  get failed(): string {
    return `shared directory: ${this.operation} ${this.path}: ${this.answer}`
  }
  override get message(): string {
    return this.failed
  }
}

const cures: Readonly<Record<string, string>> = {
  ENOSPC: "Free space (or inodes) on that file system, then try again.",
  EDQUOT: "Raise the quota on that file system, then try again.",
  EROFS: "Remount the file system read-write, or set sharedDir to a writable directory.",
  EACCES: "Run the plugin as root, or make sharedDir writable for it.",
  EPERM: "Run the plugin as root, or make sharedDir writable for it.",
  ENOTDIR: "Remove what is there instead of a directory, or set sharedDir to another directory.",
  EINVAL: "Remove what is at that path, or set sharedDir to another directory.",
  EEXIST: "Remove what is at that path, which the plugin did not create, or set another socketfile."
}

export const fromFile =
  (operation: string) =>
  ({ code, path }: FileError): SharedDirError =>
    new SharedDirError({
      operation,
      path,
      answer: code,
      cure: cures[code] ?? "Check that path on the node, and the mounts that the plugin sees.",
      code: ErrorCodes.IoFailure
    })

/** Merges several failures into one. */
export const together = (first: SharedDirError, others: ReadonlyArray<SharedDirError>): SharedDirError =>
  others.length === 0
    ? first
    : new SharedDirError({
        operation: first.operation,
        path: first.path,
        answer: [first.answer, ...others.map(({ answer, operation, path }) => `${operation} ${path}: ${answer}`)].join(
          "; "
        ),
        cure: [...new Set([first, ...others].map(({ cure }) => cure))].join(" "),
        code: first.code
      })
