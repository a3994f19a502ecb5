/**
 * Keeps secrets of a configuration out of messages: of the plugin's own, where a value is shown redacted, and of other
 * programs'. An IPAM plugin gets all of it, an admission webhook gets the container config, and either may quote it. Pure.
 */
import { CniError } from "./CniError.ts"

/** A shorter text appears in many words, and is no secret. */
const shortest = 4

/** Returns the texts under keys with secret names, at any depth. */
export const secretsIn = (value: unknown, named = false): ReadonlyArray<string> => {
  if (typeof value === "string") return named && value.length >= shortest ? [value] : []
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => secretsIn(inner, named || isSecret(key)))
}

/** The text itself, and its forms in JSON and in Go's JSON. */
const forms = (secret: string): ReadonlyArray<string> => {
  const json = JSON.stringify(secret).slice(1, -1)
  const go = json.replaceAll(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)
  return [...new Set([secret, json, go, JSON.stringify(json).slice(1, -1)])].sort((a, b) => b.length - a.length)
}

/** Beginnings of a secret that may be left where a text was cut. */
const beginnings = (form: string): ReadonlyArray<string> =>
  Array.from(
    { length: Math.max(0, form.length - shortest) },
    (_, index) => `${form.slice(0, form.length - 1 - index)}...`
  )

export const hide = (secrets: ReadonlyArray<string>, text: string): string =>
  secrets
    .flatMap(forms)
    .reduce(
      (hidden, form) =>
        beginnings(form).reduce(
          (rest, beginning) => rest.replaceAll(beginning, "(hidden)..."),
          hidden.replaceAll(form, "(hidden)")
        ),
      text
    )

export const hideInError =
  (secrets: ReadonlyArray<string>) =>
  (error: CniError): CniError =>
    secrets.length === 0
      ? error
      : new CniError({ code: error.code, msg: hide(secrets, error.msg), details: hide(secrets, error.details) })

/** Names of secret keys, of the plugin and of IPAM plugins. */
const isSecret = (name: string): boolean =>
  /secret|passw(or)?d|token|credential|(api|private|access)[_-]?key/i.test(name)

/** A configuration value for messages: short, on one line, without secrets. `path` ends in the key of the value; `meant` is the intended key when that is misspelled. */
export const redacted = (path: string, value: unknown, meant = ""): string => {
  if (isSecret(path) || isSecret(meant)) return "(hidden)"
  const text = JSON.stringify(value, (key, inner: unknown) => (isSecret(key) ? "(hidden)" : inner)) ?? ""
  return cut(text)
}

/** Escapes line breaks and characters that control a terminal. */
export const oneLine = (text: string): string =>
  text.replaceAll(/\p{Cc}|\p{Bidi_C}/gu, (character) =>
    character === "\n" ? "\\n" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

export const cut = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}...` : text)

/** Returns a JSON parser's message, unless it quotes a text that contains a secret. */
export const parserSaid = (text: string, error: unknown): string =>
  isSecret(text) || !(error instanceof Error) ? "" : `: ${error.message}`
