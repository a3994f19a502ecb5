/** A word of a command that a person may copy into a shell: it stays one word, whatever is in it. Pure. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=,~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
