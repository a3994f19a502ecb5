/** Multus' own files on the node, in the directory of CNI configurations. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { Files } from "../../../platform/Files.ts"
import { found, type Judged, nothing, together, unseen, well } from "../findings/Finding.ts"

interface MultusFile {
  readonly path: string
  readonly retries: boolean
}

export const directory = "/etc/cni/net.d"
const limit = 1 << 20

/** A text: why it cannot be inspected. */
export const look = Effect.gen(function* () {
  const files = yield* Files
  const names = yield* Effect.catchIf(
    files.list(directory),
    ({ code }) => code === "ENOENT",
    () => Effect.succeed([])
  )
  const found: Array<MultusFile> = []
  for (const name of names.filter((one) => /\.(conf|conflist|json)$/.test(one))) {
    const path = join(directory, name)
    const text = yield* Effect.orElseSucceed(files.read(path, limit), () => "")
    found.push(...inText(path, text))
  }
  return found
}).pipe(
  Effect.map((found): ReadonlyArray<MultusFile> | string => found),
  Effect.catch((error) => Effect.succeed(error.message))
)

/** Empty for a file that is not Multus'. */
export const inText = (path: string, text: string): ReadonlyArray<MultusFile> => {
  const file = objectOf(Result.getOrUndefined(Result.try((): unknown => JSON.parse(text))))
  const plugins = Array.isArray(file["plugins"]) ? file["plugins"].map(objectOf) : [file]
  return plugins.flatMap(({ retryDeleteOnError, type }) =>
    type === "multus" || type === "multus-shim" ? [{ path, retries: retryDeleteOnError === true }] : []
  )
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> => (Predicate.isObject(value) ? { ...value } : {})

export const judge = (seen: ReadonlyArray<MultusFile> | string): Judged =>
  typeof seen === "string"
    ? unseen("Multus", seen)
    : together([
        nothing,
        ...seen.map(({ path, retries }) =>
          retries
            ? well("Multus", `${path} has retryDeleteOnError`)
            : found("Multus", "multus-does-not-retry", `${path} has no retryDeleteOnError`, { path })
        )
      ])
