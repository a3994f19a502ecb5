/**
 * {@link Files} for a process of many calls: system calls run on another thread, so that a hanging mount only blocks
 * its own users, and not forever. The process of one call uses the synchronous one, without threads, whose start would
 * cost more than it gains.
 *
 * An operation that timed out may still complete when the mount answers. Until then every operation below that
 * directory fails at once: each pending one has a thread of bun's pool, which has as many as processors unless
 * `UV_THREADPOOL_SIZE` is set before the process starts.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { codeOf, FileError, Files, over, type Settle } from "../Files.ts"
import { onThread } from "./AsyncFileCalls.ts"

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
