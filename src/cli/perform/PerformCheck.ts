/** `userspace check` from the records of this node, or with `--config` one call by hand. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { checkNode } from "../../attachment/node/CheckNode.ts"
import { narrows } from "../../attachment/node/Selection.ts"
import { Records } from "../../attachment/records/Records.ts"
import { fromExplained } from "../../cni/spec/CniError.ts"
import { pluginPath } from "../input/AttachmentFlags.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { misplaced, type RecordedOptions, selected, selectorFrom, stateDirFrom } from "../input/Selected.ts"
import { checkError, checkedJson, checkTable } from "../text/CheckText.ts"
import { CommandLineError, commandLineErrorText, fromCni } from "../text/CommandLineError.ts"
import { damagedJson } from "../text/RestoreText.ts"
import { onNode, print } from "./Node.ts"
import { perform } from "./Perform.ts"
import { performRecorded } from "./PerformRecorded.ts"

export const performCheck = Effect.fnUntraced(function* (options: RecordedOptions) {
  const wrong = misplaced(options)
  if (wrong !== undefined) return yield* wrong
  const { config } = options
  if (Option.isSome(config)) return yield* perform("CHECK")({ ...options, config: config.value })
  if (options.dryRun) return yield* performRecorded("CHECK", options)
  const { style, variables } = yield* InvocationContext
  const stateDir = stateDirFrom(options)
  const selector = yield* selectorFrom(options)
  const { checked, damaged } = yield* onNode(stateDir, (switches) =>
    Effect.gen(function* () {
      const chosen = yield* selected("check", stateDir, selector)
      const checked = yield* checkNode(switches, chosen, { ...variables, CNI_PATH: pluginPath(options, variables) })
      const failed = fromCni("check")
      const damaged = narrows(selector)
        ? []
        : yield* Effect.mapError((yield* Records).damaged, (error) => failed(fromExplained(error)))
      return { checked, damaged: damaged.map(({ error }) => error) }
    })
  )
  yield* print(
    options.json,
    { attachments: checked.map(checkedJson), damaged: damaged.map(damagedJson) },
    checkTable(checked, stateDir, style)
  )
  const commandLineError = checkError(checked)
  const complaints = [
    ...(commandLineError === undefined ? [] : [commandLineError]),
    ...damaged.map(
      ({ code, cure, failed }) =>
        new CommandLineError({ failed: `cannot check an attachment (code ${code})`, answer: failed, cure })
    )
  ]
  for (const one of complaints.slice(0, -1)) yield* Console.error(commandLineErrorText(one, style.strong))
  const last = complaints.at(-1)
  if (last !== undefined) return yield* last
})
