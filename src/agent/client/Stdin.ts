/**
 * All of stdin as the process of one call reads it (`app/Stdio.ts`), without Effect: what is there already at once, the
 * rest as it comes. What is wrong with it is told by the process, which makes the call itself then.
 */
import * as Fs from "node:fs"
import { limit, seconds } from "../../app/StdinLimits.ts"
import { attempt } from "../../platform/Attempt.ts"

/** What was read, or why nothing was. */
export type Read = { readonly text: string } | { readonly problem: string }

interface Reading {
  readonly chunks: Array<Uint8Array>
  length: number
}

const keep = (reading: Reading, bytes: Uint8Array): boolean => {
  reading.chunks.push(bytes)
  reading.length += bytes.length
  return reading.length <= limit
}

const done = ({ chunks }: Reading): Read => ({ text: Buffer.concat(chunks).toString("utf8") })
const tooLong: Read = { problem: `is longer than ${limit} bytes` }

/** True: that was all, or too much. */
const drain = (fd: number, reading: Reading): Promise<boolean> => {
  const buffer = Buffer.allocUnsafe(1 << 16)
  return attempt(() => Fs.readSync(fd, buffer)).then((length) => {
    if (length === undefined || length === 0) return length === 0
    return keep(reading, buffer.subarray(0, length)) ? drain(fd, reading) : true
  })
}

const rest = (reading: Reading): Promise<Read> =>
  new Promise((resolve) => {
    setTimeout(() => resolve({ problem: `did not end within ${seconds} s` }), seconds * 1000).unref()
    const next = () => {
      const buffer = Buffer.allocUnsafe(1 << 16)
      Fs.read(0, buffer, 0, buffer.length, null, (error, length) => {
        if (error) resolve({ problem: `cannot be read: ${error.message}` })
        else if (length === 0) resolve(done(reading))
        else if (keep(reading, buffer.subarray(0, length))) next()
        else resolve(tooLong)
      })
    }
    next()
  })

/** A pipe is opened anew: whoever else has it open must not find it non-blocking. */
const openedAnew = "/proc/self/fd/0"

const readNow = (stdin: Fs.Stats, reading: Reading): Promise<boolean> => {
  if (stdin.isFile()) return drain(0, reading)
  if (!stdin.isFIFO()) return Promise.resolve(false)
  return attempt(() => Fs.openSync(openedAnew, Fs.constants.O_RDONLY | Fs.constants.O_NONBLOCK)).then((pipe) =>
    pipe === undefined
      ? false
      : drain(pipe, reading).then((ended) => {
          Fs.closeSync(pipe)
          return ended
        })
  )
}

export const readStdin = (): Promise<Read> =>
  attempt(() => Fs.fstatSync(0)).then((stdin) => {
    if (stdin === undefined || stdin.isCharacterDevice()) return { text: "" }
    const reading: Reading = { chunks: [], length: 0 }
    return readNow(stdin, reading).then((ended) => {
      if (reading.length > limit) return tooLong
      return ended ? done(reading) : rest(reading)
    })
  })
