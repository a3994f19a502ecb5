/**
 * Removes secrets of a configuration from other programs' messages. An IPAM plugin gets all of it, an admission webhook
 * gets the container config, and either may quote it. The plugin's own messages contain none (`Redacted.ts`). Pure.
 */
import { CniError } from "./CniError.ts"
import { isSecret } from "./Redacted.ts"

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
