/** Formats a configuration value for messages: short, on one line, without secrets. Pure. */

/** Names of secret keys, of the plugin and of IPAM plugins. */
export const isSecret = (name: string): boolean =>
  /secret|passw(or)?d|token|credential|(api|private|access)[_-]?key/i.test(name)

/** `path` ends in the key of the value; `meant` is the intended key when that is misspelled. */
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
