/** Multus' own files on the node, in the directory of CNI configurations. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { Files, orElse } from "../../platform/Files.ts"
import { objectOf, parsed } from "../../platform/text/Json.ts"
import { found, type Judged, together, unseen, well } from "./findings/Finding.ts"

interface MultusFile {
  readonly path: string
  readonly retries: boolean
}

const directory = "/etc/cni/net.d"
const limit = 1 << 20

/** A text: why it cannot be inspected. */
export const look = Effect.gen(function* () {
  const files = yield* Files
  const names = yield* orElse("ENOENT", [])(files.list(directory))
  const all = yield* Effect.forEach(
    names.filter((one) => /\.(conf|conflist|json)$/.test(one)),
    (name) => {
      const path = join(directory, name)
      const text = Effect.orElseSucceed(files.read(path, limit), () => "")
      return Effect.map(text, (text) => inText(path, text))
    }
  )
  return all.flat()
}).pipe(Effect.catch((error) => Effect.succeed(error.message)))

/** Empty for a file that is not Multus'. */
export const inText = (path: string, text: string): ReadonlyArray<MultusFile> => {
  const file = objectOf(parsed(text))
  const plugins = Array.isArray(file["plugins"]) ? file["plugins"].map(objectOf) : [file]
  return plugins.flatMap(({ retryDeleteOnError, type }) =>
    type === "multus" || type === "multus-shim" ? [{ path, retries: retryDeleteOnError === true }] : []
  )
}

export const judge = (seen: ReadonlyArray<MultusFile> | string): Judged =>
  typeof seen === "string"
    ? unseen("Multus", seen)
    : together(
        seen.map(({ path, retries }) =>
          retries
            ? well("Multus", `${path} has retryDeleteOnError`)
            : found("Multus", "multus-does-not-retry", `${path} has no retryDeleteOnError`, { path })
        )
      )
