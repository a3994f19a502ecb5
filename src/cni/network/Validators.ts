/** Checks of configurations beyond type, range and pattern, for schema and guard alike; and a default. Pure. */

/** Number of descriptors in a memif ring. */
export const isRingSize = (n: number): boolean => n >= 2 && n <= 16384 && (n & (n - 1)) === 0

/** VPP stores it in 24 bytes, one of them NUL. */
export const fitsSecret = (secret: string): boolean => Buffer.byteLength(secret) <= 23

export const unicastMac = /^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/u

/** A path without control characters, which break a line or control a terminal. */
export const absolutePath = /^\/\P{Cc}*$/u

export const isAbsolutePath = (path: unknown): path is string =>
  typeof path === "string" && path.length <= 1024 && absolutePath.test(path)

/** Where the records are, if `stateDir` says nothing else. */
export const defaultStateDir = "/var/lib/cni/usrspcni"

/**
 * Limits the nesting depth of JSON. A parser accepts deep nesting, but JSON.stringify and other recursive functions
 * then overflow the stack or take quadratic time. The text is checked before parsing. Pure.
 */
export const deepest = 128

const quote = 0x22
const backslash = 0x5c
const opens = (code: number) => code === 0x7b || code === 0x5b
const closes = (code: number) => code === 0x7d || code === 0x5d

/** The result for text that is not JSON does not matter: the parser refuses it. */
export const isTooDeep = (json: string): boolean => {
  let depth = 0
  let inString = false
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (inString) {
      if (code === backslash) at++
      else if (code === quote) inString = false
    } else if (code === quote) inString = true
    else if (opens(code)) {
      depth++
      if (depth > deepest) return true
    } else if (closes(code)) depth--
  }
  return false
}
