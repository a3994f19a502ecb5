/**
 * Parses the downward API's annotations file, in which kubelet writes one `key="value"` a line in Go's `%q`. Pure;
 * `ConfigurationData.ts` and `NetworkStatus.ts` interpret the values. Go: strconv.Quote. Kubernetes: pkg/fieldpath,
 * FormatMap.
 */
import * as Result from "effect/Result"
import { shown } from "./Part.ts"

/** Multus' key, and that of its older releases. */
export const networkStatusKeys = ["k8s.v1.cni.cncf.io/network-status", "k8s.v1.cni.cncf.io/networks-status"] as const

export interface Annotations {
  readonly get: (key: string) => string | undefined
  readonly problems: ReadonlyArray<string>
}

export const parseAnnotations = (text: string): Annotations => {
  const values = new Map<string, string>()
  const problems: Array<string> = []
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    const equals = line.indexOf("=")
    const value = equals < 1 ? Result.fail('is not key="value"') : unquote(line.slice(equals + 1).replace(/\r$/, ""))
    if (Result.isSuccess(value)) values.set(line.slice(0, equals), value.success)
    else problems.push(`line ${index + 1} ${value.failure}`)
  }
  return { get: (key) => values.get(key), problems }
}

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

/** Returns the value of a text in Go's `%q`. */
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
