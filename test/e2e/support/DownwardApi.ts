/**
 * The volume with a pod's annotations, as kubelet creates it. Kubernetes: pkg/fieldpath (FormatMap), pkg/volume/util
 * (AtomicWriter). Go: strconv.Quote.
 */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs"

const letters: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\"
}

const written = (character: string): string => {
  const letter = letters[character]
  if (letter !== undefined) return letter
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return character
  const point = character.codePointAt(0) ?? 0
  const digits = (count: number) => point.toString(16).padStart(count, "0")
  return point < 0x80 ? `\\x${digits(2)}` : point < 0x10000 ? `\\u${digits(4)}` : `\\U${digits(8)}`
}

export const fileOf = (annotations: Readonly<Record<string, string>>): string =>
  Object.entries(annotations)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}="${[...value].map(written).join("")}"`)
    .join("\n")

/** In a new directory. Each call rewrites the file, as kubelet does for changed annotations. */
export const volume = (path: string): ((annotations: Readonly<Record<string, string>>) => void) => {
  let version = 0
  return (annotations) => {
    const fresh = `..2026_01_01_00_00_00.${++version}`
    mkdirSync(`${path}/${fresh}`, { recursive: true })
    writeFileSync(`${path}/${fresh}/annotations`, fileOf(annotations))
    symlinkSync(fresh, `${path}/..data_tmp`)
    renameSync(`${path}/..data_tmp`, `${path}/..data`)
    if (version === 1) symlinkSync("..data/annotations", `${path}/annotations`)
  }
}
