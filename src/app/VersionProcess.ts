/**
 * The process of VERSION. Runtimes call it before anything else, so it loads nothing, not even Effect. Answers in the
 * requested version; without usable input in the newest. CNI specification 1.1.0, section 2 (VERSION).
 */
import * as Fs from "node:fs"
import { isSupported, newestVersion, supportedVersions } from "../cni/types/Versions.ts"

/** In milliseconds. A caller that keeps stdin open gets its answer all the same. */
const patience = 1000

/** More than any configuration; further input is not awaited. */
const limit = 4 << 20

export const run = (): void => {
  const chunks: Array<Buffer> = []
  let size = 0
  const answer = () => {
    const text = `${JSON.stringify(versionDocument(Buffer.concat(chunks).toString("utf8")))}\n`
    Fs.write(1, text, (error) => {
      if (error) Fs.writeSync(2, `userspace: the VERSION result cannot be written to stdout: ${error.code}\n`)
      process.exit(error ? 1 : 0)
    })
  }
  const read = () => {
    const buffer = Buffer.allocUnsafe(1 << 16)
    Fs.read(0, buffer, 0, buffer.length, null, (error, length) => {
      size += length
      if (error || length === 0 || size > limit) return answer()
      chunks.push(buffer.subarray(0, length))
      read()
    })
  }
  setTimeout(answer, patience)
  // On a terminal, nobody closes stdin.
  Fs.fstat(0, (error, status) => (error || status.isCharacterDevice() ? answer() : read()))
}

/** The answer to VERSION with this on stdin. */
export const versionDocument = (text: string): Readonly<Record<string, unknown>> => ({
  cniVersion: askedVersion(text),
  supportedVersions
})

/** Finds the version with a regular expression: the input may be anything, and a parser would throw. */
const askedVersion = (text: string): string => {
  const version = /"cniVersion"\s*:\s*"([0-9.]+)"/.exec(text)?.[1] ?? newestVersion
  return isSupported(version) ? version : newestVersion
}
