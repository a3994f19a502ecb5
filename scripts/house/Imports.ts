/** The imports between files of `src`, types included, found in the text without a build. */
import { globSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

/** Paths relative to `src`. */
export interface Import {
  readonly from: string
  readonly to: string
}

const specifier = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+|#sha256)["']/g

/** `package.json` maps it to one file for bun and another for Node. */
const mapped = "platform/text/Sha256.ts"

export const filesOf = (src: string): ReadonlyArray<string> => globSync("**/*.ts", { cwd: src }).sort()

export const importsIn = (from: string, text: string): ReadonlyArray<Import> =>
  [...text.matchAll(specifier)].map(([, name = ""]) => ({
    from,
    to: name.startsWith("#") ? mapped : normalize(join(dirname(from), name))
  }))

export const importsOf = (src: string): ReadonlyArray<Import> =>
  filesOf(src).flatMap((from) => importsIn(from, readFileSync(join(src, from), "utf8")))
