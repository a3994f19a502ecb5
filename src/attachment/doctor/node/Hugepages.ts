/** Hugepages of the node: total and free number of each size. */
import * as Effect from "effect/Effect"
import { Files, orElse } from "../../../platform/Files.ts"
import { found, type Judged, unseen, well } from "../findings/Finding.ts"

export interface Pool {
  readonly kilobytes: number
  readonly total: number
  readonly free: number
}

const directory = "/sys/kernel/mm/hugepages"
const link = "hugepages"

/** Undefined: the kernel does not report them. */
export const look = Effect.gen(function* () {
  const files = yield* Files
  const number = (path: string) => Effect.map(files.read(path, 1 << 16), (text) => Number(text.trim()))
  // A kernel without them has no such directory.
  const names = yield* orElse("ENOENT", [])(files.list(directory))
  return yield* Effect.forEach(
    names.flatMap((name) => /^hugepages-(\d+)kB$/.exec(name)?.slice(1) ?? []),
    (size) =>
      Effect.gen(function* () {
        const pool: Pool = {
          kilobytes: Number(size),
          total: yield* number(`${directory}/hugepages-${size}kB/nr_hugepages`),
          free: yield* number(`${directory}/hugepages-${size}kB/free_hugepages`)
        }
        return pool
      })
  )
}).pipe(Effect.orElseSucceed((): ReadonlyArray<Pool> | undefined => undefined))

export const judge = (pools: ReadonlyArray<Pool> | undefined): Judged => {
  if (pools === undefined) return unseen(link, `${directory} cannot be read`)
  const reserved = pools.filter(({ total }) => total > 0)
  if (reserved.length === 0) return found(link, "hugepages-missing", "none are reserved")
  const words = reserved.map(({ free, kilobytes, total }) => `${free} of ${total} pages of ${kilobytes} kB are free`)
  return reserved.every(({ free }) => free === 0)
    ? found(link, "hugepages-used-up", words.join(", "))
    : well(link, words.join(", "))
}
