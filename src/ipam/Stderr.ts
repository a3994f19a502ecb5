/** Collects a program's stderr as it arrives, and drops the middle of long output. The text is not interpreted. */

/** Number of bytes kept of the end. */
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
    // A truncated line may contain half a secret, which would not be found.
    text: () => kept.subarray(cut ? kept.indexOf("\n") + 1 : 0).toString("utf8")
  }
}

/** Quotes the last lines for an error, preceded by the first line, where a panic states its reason. */
export const lastLines = (text: string): string => {
  const all = text.split("\n").filter((line) => line.trim() !== "")
  const chosen = all.length <= lines ? all : [...all.slice(0, 1), "...", ...all.slice(1 - lines)]
  return chosen.length === 0 ? "" : JSON.stringify(chosen.map(cut).join("\n"))
}

const cut = (line: string): string => (line.length > width ? `${line.slice(0, width)}...` : line)
