/**
 * The net changes of a step in the file system, for people: files that are written and renamed, or linked and unlinked,
 * are one new file; a directory and its marker are one directory. Pure.
 */

import { basename, dirname } from "node:path"
import type { Change, FileChange } from "../../dry-run/plan/Plan.ts"
import { marker } from "../../shared-dir/Directories.ts"

interface Net {
  readonly sign: "+" | "-" | "~"
  readonly noun: string
  readonly mode: string | undefined
  readonly gid: number | undefined
}

/** `what`: `directory 0755`, `file 0600`, `link to /x`. */
export const netChanges = (changes: ReadonlyArray<Change>, markers?: "markers too") => {
  const nets = new Map<string, Net>()
  for (const change of changes) if (change.kind === "file") apply(nets, change)
  return [...nets]
    .filter(([path]) => markers !== undefined || basename(path) !== marker || !nets.has(dirname(path)))
    .map(([path, { gid, mode, noun, sign }]) => ({
      sign,
      path,
      what: [noun.padEnd(9), mode, gid === undefined ? undefined : `group ${gid}`]
        .filter((part) => part !== undefined)
        .join(" ")
    }))
}

const apply = (nets: Map<string, Net>, change: FileChange): void => {
  const { from = "", gid, mode, path } = change
  const put = (noun: string) => nets.set(path, { sign: "+", noun, mode, gid })
  const drop = (noun: string) => {
    if (nets.get(path)?.sign === "+") nets.delete(path)
    else nets.set(path, { sign: "-", noun, mode: undefined, gid: undefined })
  }
  switch (change.do) {
    case "make directory":
      put("directory")
      return
    case "create":
      put("file")
      return
    case "symlink":
      put(`symbolic link to ${from}`)
      return
    case "link":
      nets.set(path, nets.get(from) ?? { sign: "+", noun: `name of ${from}`, mode, gid })
      return
    case "rename":
      nets.set(path, nets.get(from) ?? { sign: "+", noun: `${from}, renamed`, mode, gid })
      nets.delete(from)
      return
    case "remove":
      drop("file")
      return
    case "remove directory":
      drop("directory")
      return
    case "set owner and mode": {
      const was = nets.get(path)
      nets.set(
        path,
        was === undefined ? { sign: "~", noun: "mode", mode, gid } : { ...was, mode: mode ?? was.mode, gid }
      )
    }
  }
}
