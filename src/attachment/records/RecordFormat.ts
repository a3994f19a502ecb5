/** What a record is besides its schema (`Record.ts`), which a call does not load: the format, and what its paths are. Pure. */
import { dirname } from "node:path"
import { ancestors } from "../../shared-dir/SocketPaths.ts"
import type { Record } from "./Record.ts"

/** Of the records that this release writes. */
export const recordFormat = 1

const isPath = (path: string): boolean =>
  path.startsWith("/") && !path.includes("\0") && !path.split("/").includes("..")

/**
 * Its paths are such as an ADD writes down: names in the attachment's directory, and directories that lead to one. What
 * is removed is removed on the record's word, so one that says anything else is no record.
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
