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

const statement = /^(?:import|export)(?!\s+type\b)[^"]*?from\s+"(\.{1,2}\/[^"]+)"/gm
const loaded = /\bimport\("(\.{1,2}\/[^"]+)"\)/g

const found = (src: string, pattern: RegExp): ReadonlyArray<Import> =>
  filesOf(src).flatMap((from) =>
    [...readFileSync(join(src, from), "utf8").matchAll(pattern)].map(([, name = ""]) => ({
      from,
      to: normalize(join(dirname(from), name))
    }))
  )

/** Without those of types alone, which are erased before anything runs. */
export const valuesOf = (src: string): ReadonlyArray<Import> => found(src, statement)

/** Those of `import(...)`. */
export const laterOf = (src: string): ReadonlyArray<Import> => found(src, loaded)

export const linesOf =
  (src: string) =>
  (file: string): number =>
    readFileSync(join(src, file), "utf8").split("\n").length - 1

export const importsOf = (src: string): ReadonlyArray<Import> =>
  filesOf(src).flatMap((from) => importsIn(from, readFileSync(join(src, from), "utf8")))
