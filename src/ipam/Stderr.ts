/** Collects a program's stderr as it arrives, and drops the middle of long output. The text is not interpreted. */

/** Bytes that are kept of the end. */
const limit = 1 << 14

const lines = 5

const width = 300

export interface Heard {
  readonly add: (chunk: Uint8Array) => void
  readonly text: () => string
}

export const make = (): Heard => {
  let kept = Buffer.alloc(0)
  let cut = false
  return {
    add: (chunk) => {
      const all = Buffer.concat([kept, chunk])
      cut = cut || all.length > limit
      kept = all.subarray(-limit)
    },
    // Half a line may have half a secret in it, which nobody would find.
    text: () => kept.subarray(cut ? kept.indexOf("\n") + 1 : 0).toString("utf8")
  }
}

/** For an error: quoted, the last lines of it, and before them the first, where a panic says what it is. */
export const lastLines = (text: string): string => {
  const all = text.split("\n").filter((line) => line.trim() !== "")
  const chosen = all.length <= lines ? all : [...all.slice(0, 1), "...", ...all.slice(1 - lines)]
  return chosen.length === 0 ? "" : JSON.stringify(chosen.map(cut).join("\n"))
}

const cut = (line: string): string => (line.length > width ? `${line.slice(0, width)}...` : line)
