/**
 * The format of records and the validation of their paths, besides the schema (`Record.ts`), which a call does not
 * load. Pure.
 */
import { dirname } from "node:path"
import { ancestors } from "../../shared-dir/SocketPaths.ts"
import type { Record } from "./Record.ts"

/** The format of records that this release writes. */
export const recordFormat = 1

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
