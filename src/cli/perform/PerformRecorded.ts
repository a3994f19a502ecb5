/**
 * Makes the call of a runtime, or its dry run, for each selected attachment in sequence: `userspace del`, and the dry
 * run of `userspace check`.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { narrows } from "../../attachment/node/Selection.ts"
import { recordedCall } from "../../attachment/RecordedCall.ts"
import type { AttachmentVerb } from "../../cni/spec/Versions.ts"
import { pluginPath } from "../input/AttachmentFlags.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { misplaced, type RecordedOptions, selected, selectorFrom, stateDirFrom } from "../input/Selected.ts"
import { CommandLineError, commandLineErrorText } from "../text/CommandLineError.ts"
import { onNode } from "./Node.ts"
import { carryOut, perform } from "./Perform.ts"

export const performDel = Effect.fnUntraced(function* (options: RecordedOptions) {
  const wrong = misplaced(options)
  if (wrong !== undefined) return yield* wrong
  const { config } = options
  if (Option.isSome(config)) return yield* perform("DEL")({ ...options, config: config.value })
  if (!narrows(yield* selectorFrom(options))) return yield* nothingNamed
  yield* performRecorded("DEL", options)
})

/** Leaving a flag out must not delete every attachment of a node. */
const nothingNamed = new CommandLineError({
  failed: "del needs an attachment",
  answer: "none of --pod, --container-id and --ifname is given",
  cure: "List attachments with `userspace list`. Remove those of deleted pods with `userspace gc --by-sandbox`."
})

/** Continues with the others when one fails; fails with the last failure. */
export const performRecorded = Effect.fnUntraced(function* (verb: AttachmentVerb, options: RecordedOptions) {
  const { style, variables } = yield* InvocationContext
  const stateDir = stateDirFrom(options)
  const selector = yield* selectorFrom(options)
  const chosen = yield* onNode(stateDir, () => selected(verb.toLowerCase(), stateDir, selector))
  const path = pluginPath(options, variables)
  const failures: Array<CommandLineError> = []
  for (const [index, record] of chosen.entries()) {
    if (index > 0 && !options.json) yield* Console.log("")
    const { text, variables: asked } = recordedCall(verb, record, { ...variables, CNI_PATH: path })
    yield* Effect.catch(
      carryOut(verb, options, { variables: asked, assumedNetns: false }, text),
      (commandLineError) => {
        failures.push(commandLineError)
        return Effect.void
      }
    )
  }
  for (const one of failures.slice(0, -1)) yield* Console.error(commandLineErrorText(one, style.strong))
  const last = failures.at(-1)
  if (last !== undefined) return yield* last
})
