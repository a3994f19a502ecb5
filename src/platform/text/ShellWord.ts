/** Quotes a word of a command that a person may copy into a shell. Pure. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=,~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
