/** The format of records on disk, besides the schema (`Record.ts`), which a call does not load. Pure. */
import { dirname } from "node:path"
import { parsed } from "../../platform/text/Json.ts"
import { ancestors } from "../../shared-dir/SocketPaths.ts"
import type { Record } from "./Record.ts"
import { isRecord } from "./RecordGuard.ts"

/** The format of records that this release writes. */
export const recordFormat = 1

/** Bytes: four times the limit of stdin, because a record contains the configuration as a text with escaped quotes. */
export const recordLimit = 16 << 20

/** Undefined: the text is not a record. */
export const parseRecord = (text: string): Record | undefined => {
  const written = parsed(text)
  return isRecord(written) && isSound(written) ? written : undefined
}

const isPath = (path: string): boolean =>
  path.startsWith("/") && !path.includes("\0") && !path.split("/").includes("..")

/**
 * Checks that the paths are as an ADD writes them: names in the attachment's directory, and directories that lead to
 * one. Files are removed because a record lists them, so a record with any other path is invalid.
 */
export const isSound = ({ deviceInfo, made, place }: Record): boolean => {
  const { configPath, directory, link = directory, socketPath } = place
  const leading = [...ancestors(directory), ...(deviceInfo === undefined ? [] : ancestors(deviceInfo))]
  return (
    [directory, socketPath, configPath, link, deviceInfo ?? directory].every(isPath) &&
    [socketPath, configPath].every((path) => path !== directory && dirname(path) === directory) &&
    made.every((path) => leading.includes(path))
  )
}
