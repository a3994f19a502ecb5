/** The subject of the suite of `Files`: a directory with a file of each kind, on any layer. */
import { Context, Effect, type Scope } from "effect"
import { type FileError, Files } from "../../src/platform/Files.ts"

/** A directory to work in, and files that `Files` itself cannot create. */
export class FilesSite extends Context.Service<
  FilesSite,
  {
    readonly base: string
    /** A group, not that of new files, to which this process may give files. */
    readonly gid: number
    readonly socket: (path: string) => Effect.Effect<void, never, Scope.Scope>
    /** Sets the time of the last access, in milliseconds; the time of the last change stays. */
    readonly access: (path: string, time: number) => Effect.Effect<void>
  }
>()("userspace-cni/test/FilesSite") {}

/** The subject of the suites of `Files`. */
export type FilesUnderTest = Files | FilesSite

export const site = Effect.gen(function* () {
  const { access, base, gid, socket } = yield* FilesSite
  const files = yield* Files
  return { access, base, files, gid, socket, at: (name: string) => `${base}/${name}` }
})

/** One of each kind, and a broken link. */
export const zoo = Effect.gen(function* () {
  const made = yield* site
  const { at, files, socket } = made
  yield* files.create(at("file"), "content", 0o644)
  yield* files.makeDirectory(at("directory"), 0o755)
  yield* files.create(at("directory/inside"), "", 0o600)
  yield* socket(at("socket"))
  yield* files.symlink("file", at("link"))
  yield* files.symlink("nowhere", at("dangling"))
  return made
})

export const codeOf = <A>(self: Effect.Effect<A, FileError>): Effect.Effect<string> =>
  Effect.match(self, { onFailure: ({ code }) => code, onSuccess: () => "succeeded" })

/** The error codes of several attempts, by their names. */
export const codesOf = Effect.fnUntraced(function* (
  tries: Readonly<Record<string, Effect.Effect<unknown, FileError>>>
) {
  const entries = yield* Effect.forEach(Object.entries(tries), ([name, self]) =>
    Effect.map(codeOf(self), (code) => [name, code] as const)
  )
  return Object.fromEntries(entries)
})

export const everything = ["file", "directory", "socket", "link", "dangling"]
