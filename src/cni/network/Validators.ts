/** Checks of configuration values beyond type, range and pattern, for schema and guard alike. Pure. */

/** Number of descriptors in a memif ring. */
export const isRingSize = (n: number): boolean => n >= 2 && n <= 16384 && (n & (n - 1)) === 0

/** VPP stores it in 24 bytes, one of them NUL. */
export const fitsSecret = (secret: string): boolean => Buffer.byteLength(secret) <= 23

export const unicastMac = /^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/u

/** A path without control characters, which break a line or control a terminal. */
export const absolutePath = /^\/\P{Cc}*$/u

export const isAbsolutePath = (path: unknown): path is string =>
  typeof path === "string" && path.length <= 1024 && absolutePath.test(path)
