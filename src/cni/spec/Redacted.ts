/** A configuration value for messages: short, on one line, without secrets. Pure. */

/** Ours, and those that IPAM plugins have in their section. */
export const isSecret = (name: string): boolean =>
  /secret|passw(or)?d|token|credential|(api|private|access)[_-]?key/i.test(name)

/** `path` ends in the key that has the value; `meant` is the key that it was meant to be, when it is misspelled. */
export const redacted = (path: string, value: unknown, meant = ""): string => {
  if (isSecret(path) || isSecret(meant)) return "(hidden)"
  const text = JSON.stringify(value, (key, inner: unknown) => (isSecret(key) ? "(hidden)" : inner)) ?? ""
  return cut(text)
}

/** With what breaks a line, or what a terminal acts on, written out. */
export const oneLine = (text: string): string =>
  text.replaceAll(/\p{Cc}|\p{Bidi_C}/gu, (character) =>
    character === "\n" ? "\\n" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

export const cut = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}...` : text)

/** What a JSON parser said, unless it quotes a text that holds a secret. */
export const parserSaid = (text: string, error: unknown): string =>
  isSecret(text) || !(error instanceof Error) ? "" : `: ${error.message}`
