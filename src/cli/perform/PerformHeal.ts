/** `userspace agent --once`: one round of healing by hand, or what it would do. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Policy } from "../../attachment/heal/Decide.ts"
import { once } from "../../attachment/heal/Round.ts"
import { pluginPath } from "../input/AttachmentFlags.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { failuresOf, healedJson, healedText } from "../text/HealText.ts"
import { failWith, onNode, print } from "./Node.ts"

interface HealOptions {
  readonly stateDir: string
  readonly cniPath: Option.Option<string>
  readonly repair: Policy["repair"]
  readonly dryRun: boolean
  readonly json: boolean
}

export const performHeal = Effect.fnUntraced(function* ({ cniPath, dryRun, json, repair, stateDir }: HealOptions) {
  const { style, variables: own } = yield* InvocationContext
  const variables = { ...own, CNI_PATH: pluginPath({ cniPath }, own) }
  const rounds = yield* onNode(stateDir, (switches) => once({ switches, variables, repair, dry: dryRun }))
  yield* print(json, healedJson(rounds, dryRun), healedText(rounds, dryRun, style))
  yield* failWith("the round is incomplete; the next round tries again", failuresOf(rounds))
})
