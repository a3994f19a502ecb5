/**
 * Reads `configData-*.json` in the directory that host and container share. Without credentials for Kubernetes, a pod
 * cannot name its own directory and mounts the one above; then the files are one level down. No link is followed there.
 */
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { FileError, type Files, leadsTo } from "../../platform/Files.ts"
import { readConfigurationData } from "./ConfigurationData.ts"
import type { Reading } from "./Part.ts"

const mostFiles = 256

/** The mounts of this process; empty without /proc. */
export const mountsOf = (files: Files["Service"]) =>
  Effect.orElseSucceed(files.read("/proc/self/mountinfo", 16 << 20), () => "")

/** Returns the files in the directory itself, or else in the containers' directories in it. */
export const readDirectory = Effect.fnUntraced(function* (files: Files["Service"], directory: string) {
  const names = yield* namesIn(files, directory)
  if (typeof names === "string") {
    const problems = names === "not found" ? [] : [`${directory}: ${names}`]
    return { parts: [], problems, looked: names, directories: [directory] }
  }
  const own = names.filter(isOurs).map((name) => join(directory, name))
  const below = own.length > 0 ? [] : yield* containersIn(files, directory, names)
  const paths = own.length > 0 ? own : yield* Effect.forEach(below, (path) => filesIn(files, path))
  const all = paths.flat().sort()
  const readings = yield* Effect.forEach(all.slice(0, mostFiles), (path) =>
    Effect.map(
      readWith(path, files.read(path, fileLimit), (text) => readConfigurationData(path, dirname(path), text)),
      (reading) => (own.length > 0 ? reading : ofContainer(path, reading))
    )
  )
  return {
    parts: readings.flatMap(({ parts }) => parts),
    problems: [
      ...readings.flatMap(({ problems }) => problems),
      ...(all.length > mostFiles ? [`${directory}: more than ${mostFiles} files, the rest is ignored`] : [])
    ],
    looked: all.length === 0 ? "no configData-*.json in it" : `${all.length} configData-*.json`,
    directories: [directory, ...below]
  }
})

/** A container's directory contains only its own data. */
const ofContainer = (path: string, { parts, problems }: Reading): Reading => {
  const id = basename(dirname(path))
  const own = parts.filter(({ containerId }) => containerId?.startsWith(id))
  return {
    parts: own,
    problems: own.length === parts.length ? problems : [...problems, `${path}: not of the container ${id}`]
  }
}

const isOurs = (name: string): boolean => /^configData-[\x21-\x7e]+\.json$/.test(name)

const namesIn = (files: Files["Service"], directory: string): Effect.Effect<ReadonlyArray<string> | string> =>
  Effect.catch(files.list(directory), (error) => Effect.succeed(inWords(error)))

const filesIn = Effect.fnUntraced(function* (files: Files["Service"], directory: string) {
  const names = yield* namesIn(files, directory)
  return typeof names === "string" ? [] : names.filter(isOurs).map((name) => join(directory, name))
})

/** Returns `<shared directory>/<first 12 characters of the id>`. */
const containersIn = Effect.fnUntraced(function* (
  files: Files["Service"],
  directory: string,
  names: ReadonlyArray<string>
) {
  const candidates = names.filter((name) => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,11}$/.test(name)).slice(0, mostFiles)
  const paths = candidates.map((name) => join(directory, name))
  return yield* Effect.filter(paths, (path) =>
    Effect.map(
      Effect.orElseSucceed(files.lstat(path), () => undefined),
      (status) => status?.kind === "directory"
    )
  )
})

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
