/** The agent's socket must belong to this user, and nobody else may be able to replace it. No Effect. */
import * as Fs from "node:fs"

/** Throws when there is nothing. */
export const isOurs = (path: string): boolean => {
  const { mode, uid } = Fs.lstatSync(path)
  return (mode & Fs.constants.S_IFMT) === Fs.constants.S_IFSOCK && (mode & 0o022) === 0 && uid === process.geteuid?.()
}
