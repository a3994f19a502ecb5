/** `userspace del`: recorded attachments, or by hand. Here is also what `check` shares with it. */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { narrows } from "../../attachment/node/Selection.ts"
import { recordedCall } from "../../attachment/Recorded.ts"
import { defaultStateDir } from "../../cni/network/Validators.ts"
import type { AttachmentVerb } from "../../cni/types/Versions.ts"
import { networkFlags, selectorFlags, text, withPluginPath } from "../input/Flags.ts"
import { onNode } from "../input/OnNode.ts"
import { selected, selectorFrom } from "../input/Selected.ts"
import { CommandLineError, failWithEach, InvocationContext, misused } from "../print/Printer.ts"
import { callFlags, carryOut, performCall } from "./Add.ts"

/** Flags of commands that use an attachment's record, or make a call as a runtime does when `--config` is given. */
export const recordedFlags = {
  ...selectorFlags,
  stateDir: text(
    "state-dir",
    "DIR",
    `Directory of the records, stateDir of the networks (default: ${defaultStateDir})`
  ),
  ...networkFlags,
  config: networkFlags.config.pipe(
    Flag.withDescription(
      "Configuration to use instead of the record: a .conf, a .conflist or a NetworkAttachmentDefinition in JSON. Needs the full container ID"
    ),
    Flag.optional
  ),
  ...callFlags
}

export type RecordedOptions = Command.Command.Config.Infer<typeof recordedFlags>

export const stateDirFrom = ({ stateDir }: Pick<RecordedOptions, "stateDir">): string =>
  Option.getOrElse(stateDir, () => defaultStateDir)

/** Refuses flags of the other way to name an attachment. */
export const placed = ({
  args,
  config,
  netns,
  pod,
  stateDir
}: RecordedOptions): Effect.Effect<void, CommandLineError> => {
  const byHand = Option.isSome(config)
  const wrong = byHand ? { "--pod": pod, "--state-dir": stateDir } : { "--netns": netns, "--args": args }
  const flag = Object.entries(wrong).find(([, option]) => Option.isSome(option))?.[0]
  if (flag === undefined) return Effect.void
  return Effect.fail(
    byHand
      ? misused(`${flag} is for recorded attachments, --config for a call by hand`, "Give only one of them.")
      : misused(`${flag} needs --config: otherwise the record has this`, `Leave ${flag} out, or give --config FILE.`)
  )
}

/** Makes the call, or its dry run, for each selected attachment in sequence, and continues when one fails. */
export const performRecorded = Effect.fnUntraced(function* (verb: AttachmentVerb, options: RecordedOptions) {
  const { variables } = yield* InvocationContext
  const stateDir = stateDirFrom(options)
  const selector = yield* selectorFrom(options)
  const chosen = yield* onNode(stateDir, () => selected(verb.toLowerCase(), stateDir, selector))
  const failures: Array<CommandLineError> = []
  for (const [index, record] of chosen.entries()) {
    if (index > 0 && !options.json) yield* Console.log("")
    const { text, variables: asked } = recordedCall(verb, record, withPluginPath(options, variables))
    yield* Effect.catch(
      carryOut(verb, options, { variables: asked, assumedNetns: false }, text),
      (commandLineError) => {
        failures.push(commandLineError)
        return Effect.void
      }
    )
  }
  yield* failWithEach(failures)
})

const perform = Effect.fnUntraced(function* (options: RecordedOptions) {
  yield* placed(options)
  const { config } = options
  if (Option.isSome(config)) return yield* performCall("DEL")({ ...options, config: config.value })
  if (!narrows(yield* selectorFrom(options))) return yield* nothingNamed
  yield* performRecorded("DEL", options)
})

/** Leaving a flag out must not delete every attachment of a node. */
const nothingNamed = new CommandLineError({
  failed: "del needs an attachment",
  answer: "none of --pod, --container-id and --ifname is given",
  cure: "List attachments with `userspace list`. Remove those of deleted pods with `userspace gc --by-sandbox`."
})

export const command = Command.make("del", recordedFlags, perform).pipe(
  Command.withExamples([
    { command: "userspace del --container-id 0958c8871b32 --dry-run", description: "What would be removed?" },
    { command: "userspace del --pod default/web-0", description: "All attachments of a pod, from their records" }
  ])
)
