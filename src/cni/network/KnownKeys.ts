/**
 * Normalizes keys before the schema. Go's JSON decoder, which the original plugin used, matches keys in any case and
 * treats `null` and `""` as absent; existing configurations rely on it. A key that is still unknown inside `host` or
 * `container` is an error, most often a typing error. Pure.
 */
import { isReadonlyObject } from "effect/Predicate"
import { keys } from "./NetConfGuard.ts"

type Json = Readonly<Record<string, unknown>>

interface Section {
  readonly keys: ReadonlyArray<string>
  readonly inner: Readonly<Record<string, Section>>
  /** True: other keys belong to the runtime or to another plugin. */
  readonly open: boolean
}

export interface UnknownKey {
  readonly path: string
  readonly value: unknown
  readonly nearest: string | undefined
}

const section = (keys: Section["keys"], inner: Section["inner"] = {}, open = false): Section => ({ keys, inner, open })

const ends = { memif: section(keys.memif), vhost: section(keys.vhost), bridge: section(keys.bridge) }

const top = section(keys.top, { host: section(keys.host, ends), container: section(keys.container, ends) }, true)

/** The configuration with the plugin's keys in their own spelling, without empty values; and the unknown keys. */
export const normalizeKeys = (
  configuration: Json
): { readonly value: Json; readonly unknown: ReadonlyArray<UnknownKey> } => {
  const unknown: Array<UnknownKey> = []
  return { value: normalize(configuration, top, "", unknown), unknown }
}

const normalize = (value: Json, known: Section, path: string, unknown: Array<UnknownKey>): Json => {
  const entries: Array<readonly [key: string, value: unknown]> = []
  for (const [written, inner] of Object.entries(value)) {
    const key = known.keys.includes(written) ? written : spelled(written, known, value)
    if (key === undefined) {
      if (known.open) entries.push([written, inner])
      else {
        // No more are reported (Configuration.ts), and there may be thousands.
        const close = unknown.length < 20 ? nearest(written, known.keys) : undefined
        unknown.push({ path: `${path}${written}`, value: inner, nearest: close })
      }
      continue
    }
    if (inner === null || (inner === "" && (known !== top || key !== "name"))) continue
    const section = known.inner[key]
    entries.push([
      key,
      section !== undefined && isReadonlyObject(inner) ? normalize(inner, section, `${path}${key}.`, unknown) : inner
    ])
  }
  return Object.fromEntries(entries)
}

/** Returns a known key that differs only in case, unless it is also present in its own spelling. */
const spelled = (written: string, known: Section, beside: Json): string | undefined => {
  const lower = written.toLowerCase()
  return known.keys.find((key) => key.length === lower.length && key.toLowerCase() === lower && !(key in beside))
}

/** Similar keys that are not typing errors: of CNI 1.1.0's lists, and of others. */
const foreign = ["cniVersions", "containers"]

/** Warns about top-level keys one or two letters from a known one. Short ones are excluded: `vhost` is not `host`. */
export const mistyped = (normalized: Json): ReadonlyArray<string> =>
  Object.keys(normalized)
    .filter((key) => !top.keys.includes(key) && !foreign.includes(key))
    .slice(0, 20)
    .flatMap((key) => {
      const ours = nearest(key, top.keys)
      const allowed = ours === undefined ? 0 : ours === "ipam" ? 1 : ours.length < 6 ? 0 : 2
      return ours !== undefined && editDistance(key.toLowerCase(), ours.toLowerCase()) <= allowed
        ? [`${JSON.stringify(key)} is not a key of this plugin and is ignored: did you mean ${ours}?`]
        : []
    })

const nearest = (written: string, keys: ReadonlyArray<string>): string | undefined => {
  // All keys of the plugin are less than half as long.
  if (written.length > 40) return undefined
  const ranked = keys
    .map((key) => ({ key, distance: editDistance(written.toLowerCase(), key.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0]
  return ranked !== undefined && ranked.distance <= Math.max(2, ranked.key.length / 3) ? ranked.key : undefined
}

/** Levenshtein distance: insertions, deletions and substitutions from one word to the other. */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
