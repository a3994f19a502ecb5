/**
 * Parses Go's `%q`: kubelet writes annotations in this form into the file of the downward API, one `key="value"` a
 * line. Pure. Go: strconv.Quote. Kubernetes: pkg/fieldpath, FormatMap.
 */
import * as Result from "effect/Result"
import { shown } from "./Part.ts"

const simple: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'"
}

/** One piece of the text between the quotes. */
const piece = /([^\\"\n]+)|\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\"']))/y

const replacement = "\ufffd"

const byte = (value: number): string => (value < 0x80 ? String.fromCharCode(value) : replacement)

const point = (value: number): string =>
  value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff) ? replacement : String.fromCodePoint(value)

/** `\x80` to `\xff` are single bytes that were not UTF-8, which text cannot contain. */
const decoded = (found: RegExpExecArray): string => {
  const [, plain, hex, short, long, octal, letter] = found
  if (plain !== undefined) return plain
  if (hex !== undefined) return byte(Number.parseInt(hex, 16))
  if (octal !== undefined) return byte(Number.parseInt(octal, 8))
  if (letter !== undefined) return simple[letter] ?? replacement
  return point(Number.parseInt(short ?? long ?? "", 16))
}

/** Returns the value of a quoted text. */
export const unquote = (text: string): Result.Result<string, string> => {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return Result.fail("is not in double quotes")
  const inner = text.slice(1, -1)
  let value = ""
  piece.lastIndex = 0
  while (piece.lastIndex < inner.length) {
    const at = piece.lastIndex
    const found = piece.exec(inner)
    if (found === null) return Result.fail(`has ${shown(inner.slice(at, at + 2))}, which Go does not write`)
    value += decoded(found)
  }
  return Result.succeed(value)
}
