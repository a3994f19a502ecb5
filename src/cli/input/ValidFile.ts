/** Reads the list of valid attachments from a file: in the form of GC, alone or inside a configuration. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Result from "effect/Result"
import type { CniError } from "../../cni/spec/CniError.ts"
import { parserSaid } from "../../cni/spec/Secrets.ts"
import { readList, readValidAttachments, type ValidAttachment } from "../../cni/spec/ValidAttachments.ts"
import { failureWords } from "../../platform/text/FailureWords.ts"
import { CommandLineError } from "../text/CommandLineError.ts"

const cure =
  'Write [{"containerID": "ID", "ifname": "net1"}, ...]: one entry for each live attachment. ' +
  "`userspace list --json` and `crictl pods -q` list them."

export const readValidFile = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const wrong = (answer: string) => new CommandLineError({ failed: `cannot use ${path}`, answer, cure })
  const text = yield* Effect.mapError(files.readFileString(path), (error) => wrong(failureWords(error, path)))
  const value = yield* Effect.mapError(
    Effect.try({ try: (): unknown => JSON.parse(text), catch: (cause) => cause }),
    (cause) => wrong(`it is not JSON${parserSaid(text, cause)}`)
  )
  const read: Result.Result<ReadonlyArray<ValidAttachment>, CniError> = isObject(value)
    ? readValidAttachments(value)
    : // `null` in a configuration is Go's empty list; in a file of its own it is a mistake.
      readList("list", value ?? "null")
  return yield* Effect.mapError(Effect.fromResult(read), ({ msg }) => wrong(msg))
})

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
