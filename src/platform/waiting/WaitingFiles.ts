/**
 * {@link Files} for a process of many calls: the system works on another thread meanwhile, so that a mount that hangs holds
 * up who works on it and nobody else, and not for ever. The process of one call has the synchronous one, which needs no
 * threads: to start them costs it more than it could gain, because it has nobody else to hold up.
 *
 * What was given up may be done later, when the mount answers. Until then every operation below that directory fails at
 * once: each that waits has a thread of bun's pool, which has as many as processors unless `UV_THREADPOOL_SIZE` is set
 * before the process starts.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { codeOf, FileError, Files, over, type Settle } from "../Files.ts"
import { onThread } from "./WaitingFileCalls.ts"

/** How long the file system may take, in milliseconds. A disk with much to write takes seconds. */
export const patience = 30_000

export const make = (millis: number = patience): Files["Service"] => {
  /** Directories in which something was given up that has not come back. */
  const hanging = new Map<string, number>()
  const hangs = (path: string) => [...hanging.keys()].some((one) => path === one || path.startsWith(`${one}/`))
  const counted = (path: string, by: number) => {
    const left = (hanging.get(path) ?? 0) + by
    if (left > 0) hanging.set(path, left)
    else hanging.delete(path)
  }

  /** Not interrupted, but given up: until then nobody knows whether it was done. */
  const settle: Settle = (operation, path, work, late = () => {}) =>
    Effect.callback<Effect.Success<typeof work>, FileError>((resume) => {
      const error = (code: string) => new FileError({ operation, path, code })
      if (hangs(path)) return resume(Effect.fail(error("ETIMEDOUT")))
      let given = false
      const timer = setTimeout(() => {
        given = true
        counted(dirname(path), 1)
        resume(Effect.fail(error("ETIMEDOUT")))
      }, millis)
      Effect.runFork(Effect.mapError(work, (cause) => error(codeOf(cause)))).addObserver((exit) => {
        clearTimeout(timer)
        if (!given) return resume(exit)
        counted(dirname(path), -1)
        if (Exit.isSuccess(exit)) late(exit.value)
      })
    }).pipe(Effect.uninterruptible)

  return over(onThread, settle)
}

export const layer = (millis: number = patience): Layer.Layer<Files> => Layer.sync(Files, () => make(millis))
