/**
 * A file with the attachment's name that marks the directory as in use before the container config exists. Without it,
 * a DEL of the container's other interface would find the directory empty and remove it. It is removed when the
 * container config is written.
 */
import { basename, join } from "node:path"
import type * as Effect from "effect/Effect"
import { type FileError, type Files, orElse } from "../platform/Files.ts"
import { into, marker } from "./Directories.ts"
import type { SocketPaths } from "./SocketPaths.ts"

type Fs = Files["Service"]
type At = Pick<SocketPaths, "directory" | "configPath">

export const inUseMarkerFile = ({ configPath, directory }: At): string =>
  join(directory, `${marker}-${basename(configPath, ".json").replace("configData-", "")}`)

/** Creates the directory and its in-use marker. */
export const moveIn = (files: Fs, place: At): Effect.Effect<void, FileError> =>
  into(files, place.directory, 0o755, orElse("EEXIST", undefined)(files.create(inUseMarkerFile(place), "", 0o400)))

export const moveOut = (files: Fs, place: At): Effect.Effect<void, FileError> =>
  orElse(["ENOENT", "ENOTDIR", "EISDIR"], undefined)(files.unlink(inUseMarkerFile(place)))
