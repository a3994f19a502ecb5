/**
 * Inputs that are nearly right: valid examples with a few edits. Text of any kind is cut, doubled and spliced; JSON is
 * also changed by its structure, so that a value is wrong in an otherwise valid document. Random bytes would be refused
 * at the first of them.
 */
import { Arbitrary, Schema } from "effect"

const index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
const Edit = Schema.Struct({ kind: index, at: index, length: index, token: index })
type Edit = typeof Edit.Type

/** Values that have broken programs: paths, options, control characters, quotes, keys that every object has. */
export const hostileTexts: ReadonlyArray<string> = [
  "",
  " ",
  ".",
  "..",
  "../../../../etc/passwd",
  "/etc/passwd",
  "/etc/../etc//passwd",
  "/",
  "-rf",
  "--help",
  "a\0b",
  "a\nb",
  "a\r\nb",
  "\x1b[2J",
  "$(id)",
  "`id`",
  "';id;'",
  '"',
  "\\",
  "%2e%2e%2f",
  "ü🙂",
  "\ud800",
  "\u202e",
  "\u2028",
  "__proto__",
  "constructor",
  "toString",
  "x".repeat(300),
  "x".repeat(5000),
  "/".repeat(300)
]

const hostileJson: ReadonlyArray<string> = [
  ...hostileTexts.map((text) => JSON.stringify(text)),
  "null",
  "true",
  "0",
  "-1",
  "-0",
  "0.5",
  "1e308",
  "1e999",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "[]",
  "{}",
  "[[]]",
  '{"__proto__":{"a":1}}',
  '[{"name":null}]',
  `${"[".repeat(150000)}${"]".repeat(150000)}`,
  `${'{"a":'.repeat(150000)}1${"}".repeat(150000)}`
]

const pick = <A>(from: ReadonlyArray<A>, at: number): A => {
  const found = from[at % from.length]
  if (found === undefined) throw new Error("nothing to pick from")
  return found
}

const textEdit = (text: string, { at, kind, length, token }: Edit, seeds: ReadonlyArray<string>): string => {
  const start = text.length === 0 ? 0 : at % (text.length + 1)
  const end = Math.min(text.length, start + (length % 24))
  const [before, cut, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)]
  switch (kind % 7) {
    case 0:
      return before + after
    case 1:
      return before + pick(hostileTexts, token) + cut + after
    case 2:
      return before + cut + cut + after
    case 3:
      return before + pick(hostileTexts, token) + after
    case 4:
      return before + String.fromCharCode(token % 256) + after
    case 5:
      return before
    default:
      return before + pick(seeds, token).slice(length % 200) + after
  }
}

/** Every place in a JSON document: its parent, and its key there. */
type SocketPaths = { readonly set: (value: unknown) => void; readonly drop: () => void; readonly value: unknown }

const placesIn = (value: unknown, found: Array<SocketPaths> = []): ReadonlyArray<SocketPaths> => {
  if (typeof value !== "object" || value === null) return found
  for (const key of Object.keys(value)) {
    const inner: unknown = Reflect.get(value, key)
    found.push({
      value: inner,
      set: (other) => void Reflect.set(value, key, other),
      drop: () => void Reflect.deleteProperty(value, key)
    })
    placesIn(inner, found)
  }
  return found
}

/** Stands for text that JSON.stringify would not write: its quotes are removed at the end. */
const raw = (at: number) => `\u0001raw${at}\u0001`

const jsonEdit = (root: unknown, { at, kind, token }: Edit): void => {
  const places = placesIn(root)
  if (places.length === 0) return
  const place = pick(places, at)
  if (kind % 5 === 0) place.drop()
  else if (kind % 5 === 1) place.set(structuredClone(pick(places, token).value))
  else if (kind % 5 === 2) place.set(pick(hostileTexts, token))
  else place.set(raw(token % hostileJson.length))
}

const edited = (seed: string, structure: ReadonlyArray<Edit>): string => {
  const root: unknown = JSON.parse(seed)
  for (const edit of structure) jsonEdit(root, edit)
  return JSON.stringify(root).replaceAll(/"\\u0001raw(\d+)\\u0001"/g, (_, at: string) => hostileJson[Number(at)] ?? "")
}

const Edits = (maxLength: number) => Arbitrary.array(Arbitrary.schema(Edit), { maxLength })

/** Texts near these. */
export const textsNear = (...seeds: ReadonlyArray<string>): Arbitrary.Arbitrary<string> =>
  Arbitrary.map(Arbitrary.all([Arbitrary.schema(index), Edits(6)]), ([at, edits]) =>
    edits.reduce((text, edit) => textEdit(text, edit, seeds), pick(seeds, at))
  )

/** JSON near these documents, and sometimes text that is no longer JSON. */
export const jsonNear = (...seeds: ReadonlyArray<object>): Arbitrary.Arbitrary<string> => {
  const texts = seeds.map((seed) => JSON.stringify(seed))
  return Arbitrary.map(
    Arbitrary.all([Arbitrary.schema(index), Edits(4), Edits(2), Arbitrary.schema(Schema.Boolean)]),
    ([at, structure, edits, broken]) => {
      const text = edited(pick(texts, at), structure)
      return broken ? edits.reduce((text, edit) => textEdit(text, edit, texts), text) : text
    }
  )
}

/** `cuts`: the lengths of the chunks, repeated. */
export const cut = (whole: Uint8Array, cuts: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = 0, turn = 0; at < whole.length; turn++) {
    const length = cuts.length === 0 ? whole.length : pick(cuts, turn)
    chunks.push(whole.subarray(at, at + length))
    at += length
  }
  return chunks
}
