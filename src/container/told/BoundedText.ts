/** Reads text files of bounded size, and describes failures. */
import * as Effect from "effect/Effect"
import { FileError, type Files, leadsTo } from "../../platform/Files.ts"
import type { Reading } from "./Part.ts"

/** An element of configuration data has some hundred bytes. */
export const fileLimit = 64 << 10

const causes: Readonly<Record<string, string>> = {
  ENOENT: "not found",
  ENOTDIR: "not found",
  EACCES: "no permission to read it",
  EFBIG: "too large",
  ELOOP: "a symbolic link, which is not followed",
  EINVAL: "not a regular file"
}

export const inWords = ({ code }: FileError): string => causes[code] ?? code

/** kubelet's files are links to links, which it replaces atomically. */
export const readThroughLinks = Effect.fnUntraced(function* (files: Files["Service"], path: string, limit: number) {
  let at = path
  for (let hop = 0; hop < 8; hop++) {
    const there = yield* files.lstat(at)
    if (there?.kind !== "symlink") return yield* files.read(at, limit)
    at = leadsTo(at, yield* files.readLink(at))
  }
  return yield* new FileError({ operation: "read", path, code: "ELOOP" })
})

export const readWith = (path: string, text: Effect.Effect<string, FileError>, read: (text: string) => Reading) =>
  Effect.match(text, {
    onFailure: (error): Reading => ({ parts: [], problems: [`${path}: ${inWords(error)}`] }),
    onSuccess: read
  })
