/**
 * {@link Files} and {@link Namespaces} for a process of many calls. System calls run on another thread, so that a hanging mount blocks only
 * its own users, and only until a timeout. The process of one call uses the synchronous layer: starting threads would
 * cost more than it gains.
 *
 * An operation that timed out may still complete when the mount answers. Until then every operation below that
 * directory fails at once. Each pending one occupies a thread of bun's pool, which has one per processor unless
 * `UV_THREADPOOL_SIZE` is set before the process starts.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { codeOf, FileError, Files, type Finish, onThread, over } from "../Files.ts"
import { judgeBy, Namespaces } from "../Namespaces.ts"

/** Timeout of a file operation, in milliseconds. A busy disk takes seconds. */
const patience = 30_000

export const make = (millis: number = patience): Files["Service"] => {
  /** Directories with operations that timed out and have not returned. */
  const hanging = new Map<string, number>()
  const hangs = (path: string) => [...hanging.keys()].some((one) => path === one || path.startsWith(`${one}/`))
  const counted = (path: string, by: number) => {
    const left = (hanging.get(path) ?? 0) + by
    if (left > 0) hanging.set(path, left)
    else hanging.delete(path)
  }

  /** The operation is not interrupted but abandoned: until it returns, its outcome is unknown. */
  const finish: Finish = (operation, path, work, late = () => {}) =>
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

  return over(onThread, finish)
}

export const layer = (millis: number = patience): Layer.Layer<Files> => Layer.sync(Files, () => make(millis))

/** A namespace that times out is unreadable. */
export const namespaces = (millis: number = patience): Layer.Layer<Namespaces> =>
  Layer.succeed(
    Namespaces,
    Namespaces.of({
      judge: (path) =>
        Effect.timeoutOrElse(judgeBy(onThread)(path), {
          duration: millis,
          orElse: () => Effect.succeed("unreadable" as const)
        })
    })
  )
