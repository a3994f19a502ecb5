/** What a value of the configuration has to be beyond type, range and pattern. For schema and guard alike. Pure. */

/** Descriptors in a ring of memif. */
export const isRingSize = (n: number): boolean => n >= 2 && n <= 16384 && (n & (n - 1)) === 0

/** VPP keeps it in 24 bytes, one of them NUL. */
export const fitsSecret = (secret: string): boolean => Buffer.byteLength(secret) <= 23

/** What breaks a line, or a terminal, is in no path that anybody wants. */
export const absolutePath = /^\/\P{Cc}*$/u

export const isAbsolutePath = (path: unknown): path is string =>
  typeof path === "string" && path.length <= 1024 && absolutePath.test(path)
