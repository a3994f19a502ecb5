/**
 * The log files of a process of many calls. Each is open once, and is reopened when its name leads to another file at
 * the start of a call. Lines are written in sequence in the background: a hanging disk delays no call.
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import { flags, type Outputs } from "../program/Log.ts"

interface Open {
  readonly fd: number
  readonly identity: string
  users: number
  stale: boolean
  waiting: string
  writing: boolean
  readonly drained: Array<() => void>
}

/** Maximum number of characters that wait for a file that accepts none; further lines are dropped. */
const most = 1 << 20
/** For opening a file, and for writing a call's lines before its answer. */
const patience = "1 second"

const identityOf = ({ dev, ino }: Fs.Stats): string => `${dev}:${ino}`

type Answered<A> = (error: Error | null, value: A) => void
/** `late` handles a result that comes after the waiter has left. */
const ask = <A>(start: (done: Answered<A>) => void, late: (a: A) => void = () => {}): Effect.Effect<A, string> =>
  Effect.callback((resume, signal) =>
    start((error, value) => {
      if (error) resume(Effect.fail(String(error)))
      else if (signal.aborted) late(value)
      else resume(Effect.succeed(value))
    })
  )

const close = (fd: number) => Fs.close(fd, () => {})

/** Maximum number of open files; unused ones beyond it are closed. */
const mostOpen = 64

export const make = () => {
  const open = new Map<string, Open>()

  const release = (one: Open) => {
    if (one.users === 0 && !one.writing && one.waiting === "") close(one.fd)
    else one.stale = true
  }

  const next = (one: Open) => {
    const text = one.waiting
    one.waiting = ""
    one.writing = text !== ""
    if (one.writing) return Fs.write(one.fd, text, () => next(one))
    for (const resume of one.drained.splice(0)) resume()
    if (one.stale) release(one)
  }

  const append = (one: Open) => (text: string) => {
    if (one.waiting.length < most) one.waiting += text
    if (!one.writing) next(one)
  }

  const evict = () => {
    for (const [path, one] of open) {
      if (open.size <= mostOpen) return
      if (one.users > 0) continue
      open.delete(path)
      release(one)
    }
  }

  /** In use from the moment that it is found. */
  const opened = Effect.fnUntraced(function* (path: string) {
    const known = open.get(path)
    if (known !== undefined) {
      const there = yield* Effect.option(ask<Fs.Stats>((done) => Fs.stat(path, done)))
      if (there._tag === "Some" && identityOf(there.value) === known.identity && open.get(path) === known) {
        known.users++
        return known
      }
    }
    const fd = yield* ask<number>((done) => Fs.open(path, flags, 0o640, done), close)
    const identity = yield* Effect.onError(
      Effect.map(
        ask<Fs.Stats>((done) => Fs.fstat(fd, done)),
        identityOf
      ),
      () => Effect.sync(() => close(fd))
    )
    // Another call may have opened it meanwhile.
    const other = open.get(path)
    if (other?.identity === identity) {
      close(fd)
      other.users++
      return other
    }
    const one: Open = { fd, identity, users: 1, stale: false, waiting: "", writing: false, drained: [] }
    open.set(path, one)
    if (other !== undefined) release(other)
    evict()
    return one
  })

  const inTime = (path: string) =>
    Effect.timeoutOrElse(opened(path), { duration: patience, orElse: () => Effect.fail("it takes too long") })

  return {
    file: ((path, failed) =>
      Effect.acquireRelease(
        Effect.match(inTime(path), {
          onFailure: (answer) => void failed(answer),
          onSuccess: (one): Open | undefined => one
        }),
        (one) =>
          Effect.sync(() => {
            if (one === undefined) return
            one.users--
            if (one.stale) release(one)
          })
      ).pipe(Effect.map((one) => (one === undefined ? undefined : append(one))))) satisfies Outputs["file"],
    /** Resumes when everything logged is written, or a file takes too long. */
    written: Effect.suspend(() =>
      Effect.forEach(
        [...open.values()].filter(({ writing }) => writing),
        (one) => Effect.callback<void>((resume) => void one.drained.push(() => resume(Effect.void))),
        { concurrency: "unbounded", discard: true }
      )
    ).pipe(Effect.timeoutOption(patience), Effect.asVoid)
  }
}
