/**
 * stdin and stdout of the process of a call, on descriptors 0 and 1: `process.stdout` costs 8 ms at start. No Effect,
 * because a call that goes to the agent loads none; so exceptions become values here. Messages about them are in
 * `app/Stdio.ts`.
 */
import * as Fs from "node:fs"

/** Returns undefined when `f` throws: an exception in a promise's executor, which runs at once, rejects the promise. */
export const attempt = <A>(f: () => A): A | undefined => {
  let value: A | undefined
  new Promise<never>(() => {
    value = f()
  }).catch(() => {})
  return value
}

/** The system's error code, if `cause` is a system error. */
export const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)

/** In bytes: larger than any configuration with its prevResult. etcd stores objects of at most 1.5 MiB. */
const stdinLimit = 4 << 20
/** Deadline for all of stdin. */
export const stdinSeconds = 15

/** The text on stdin, or what was wrong with it. */
export type Read = { readonly text: string } | { readonly problem: string }

interface Reading {
  readonly chunks: Array<Uint8Array>
  length: number
}

const tooLong: Read = { problem: `is longer than ${stdinLimit} bytes` }
const done = ({ chunks }: Reading): Read => ({ text: Buffer.concat(chunks).toString("utf8") })

/** Returns false when the input is too long. */
const keep = (reading: Reading, bytes: Uint8Array): boolean => {
  reading.chunks.push(bytes)
  reading.length += bytes.length
  return reading.length <= stdinLimit
}

/** Returns true at the end of the input. */
const drain = (fd: number, reading: Reading): boolean => {
  while (true) {
    const buffer = Buffer.allocUnsafe(1 << 16)
    const length = attempt(() => Fs.readSync(fd, buffer))
    if (length === undefined || length === 0) return length === 0
    if (!keep(reading, buffer.subarray(0, length))) return false
  }
}

/**
 * Reads what is available without blocking: a runtime has usually written before this process is loaded, and a reader
 * thread costs a millisecond (docs/performance.md). A pipe is reopened, because other holders must not find it
 * non-blocking; a socket cannot be reopened, and is waited for.
 */
const readNow = (stdin: Fs.Stats, reading: Reading): boolean => {
  if (stdin.isFile()) return drain(0, reading)
  const pipe = stdin.isFIFO()
    ? attempt(() => Fs.openSync("/proc/self/fd/0", Fs.constants.O_RDONLY | Fs.constants.O_NONBLOCK))
    : undefined
  if (pipe === undefined) return false
  const ended = drain(pipe, reading)
  Fs.closeSync(pipe)
  return ended
}

const readRest = (reading: Reading): Promise<Read> =>
  new Promise((resolve) => {
    setTimeout(() => resolve({ problem: `did not end within ${stdinSeconds} s` }), stdinSeconds * 1000).unref()
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

/** Reads all of stdin. A terminal or a closed descriptor is empty. */
export const readStdin = (): Promise<Read> => {
  const stdin = attempt(() => Fs.fstatSync(0))
  if (stdin === undefined || stdin.isCharacterDevice()) return Promise.resolve({ text: "" })
  const reading: Reading = { chunks: [], length: 0 }
  const ended = readNow(stdin, reading)
  if (reading.length > stdinLimit) return Promise.resolve(tooLong)
  return ended ? Promise.resolve(done(reading)) : readRest(reading)
}

/** O_CLOEXEC. The value is the same on x64 and arm64. */
const closesOnExec = 0o2000000

/** bun opens /dev/null for a closed descriptor, with close-on-exec, which no inherited descriptor has. */
const isStdoutClosed = (): boolean => {
  if (Fs.fstatSync(1).rdev !== Fs.statSync("/dev/null").rdev) return false
  const [, flags = "0"] = /^flags:\s*(\d+)/m.exec(Fs.readFileSync("/proc/self/fdinfo/1", "utf8")) ?? []
  return (Number.parseInt(flags, 8) & closesOnExec) !== 0
}

/** Writes the whole text. Throws with the system's error code. */
export const writeStdout = (text: string): void => {
  if (attempt(isStdoutClosed) === true) throw Object.assign(new Error("stdout is closed"), { code: "EBADF" })
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length; ) done += Fs.writeSync(1, bytes, done)
}
