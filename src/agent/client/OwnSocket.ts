/** Whose a socket is, and that nobody else may take it over, is a part of what makes it the agent's. No Effect. */
import * as Fs from "node:fs"

/** Throws when there is nothing. */
export const isOurs = (path: string): boolean => {
  const { mode, uid } = Fs.lstatSync(path)
  return (mode & Fs.constants.S_IFMT) === Fs.constants.S_IFSOCK && (mode & 0o022) === 0 && uid === process.geteuid?.()
}
