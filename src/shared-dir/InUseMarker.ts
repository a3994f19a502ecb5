/**
 * An attachment that has made or found its directory and has nothing in it yet: a file with its name says that the
 * directory is in use, so that the DEL of the container's other interface, which finds it empty else, leaves it. It goes
 * when the container's configuration has come, which says the same.
 */
import { basename, join } from "node:path"
import type * as Effect from "effect/Effect"
import { type FileError, type Files, orElse } from "../platform/Files.ts"
import { into, marker } from "./Directories.ts"
import type { Place } from "./SocketPaths.ts"

type Fs = Files["Service"]
type At = Pick<Place, "directory" | "configPath">

export const tenantFile = ({ configPath, directory }: At): string =>
  join(directory, `${marker}-${basename(configPath, ".json").replace("configData-", "")}`)

/** Makes the directory, and stays in it. */
export const moveIn = (files: Fs, place: At): Effect.Effect<void, FileError> =>
  into(files, place.directory, 0o755, orElse("EEXIST", undefined)(files.create(tenantFile(place), "", 0o400)))

export const moveOut = (files: Fs, place: At): Effect.Effect<void, FileError> =>
  orElse(["ENOENT", "ENOTDIR", "EISDIR"], undefined)(files.unlink(tenantFile(place)))
