/**
 * `userspace list --watch`: lists once a second and prints what has changed. Neither switch tells by itself that an
 * application has connected. Changes nothing.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { writeText } from "../../app/Stdio.ts"
import type { Listed, Listing } from "../../attachment/node/Listing.ts"
import { endsWell, InvocationContext } from "../input/InvocationContext.ts"
import { type ListOptions, listed, listJson, listText } from "../perform/PerformList.ts"
import { changesBetween, changeText } from "../text/ListText.ts"

/** Clears the terminal. A reference, so that tests can replace it. */
export const Clear = Context.Reference<Effect.Effect<void>>("userspace-cni/Clear", {
  defaultValue: () => Effect.ignore(writeText("\x1b[H\x1b[2J"))
})

const every = "1 second"

export const watchList = Effect.fnUntraced(
  function* (options: ListOptions) {
    let before: Listing | undefined
    const look = Effect.gen(function* () {
      const now = yield* listed(options)
      yield* complain(before, now)
      if (before === undefined || isChanged(before, now)) yield* show(options, before?.attachments ?? [], now)
      before = now
    })
    // Nobody reads any more: what is printed then ends the command (`Main.ts`).
    yield* Effect.repeat(look, { schedule: Schedule.spaced(every), while: () => process.exitCode === undefined })
  },
  Effect.onInterrupt(() => endsWell)
)

const isChanged = (before: Listing, now: Listing): boolean =>
  changesBetween(before.attachments, now.attachments).length > 0 ||
  wordsOf(before).join("\n") !== wordsOf(now).join("\n")

const wordsOf = ({ doubts, problems }: Listing): ReadonlyArray<string> =>
  [...problems, ...doubts].map(({ failed }) => failed)

/** A switch that is away goes on to be, and is told once. */
const complain = (before: Listing | undefined, now: Listing) => {
  const told = new Set(before === undefined ? [] : wordsOf(before))
  return Effect.forEach(
    wordsOf(now).filter((words) => !told.has(words)),
    (words) => Console.error(`userspace: ${words}`),
    { discard: true }
  )
}

const show = Effect.fnUntraced(function* (options: ListOptions, before: ReadonlyArray<Listed>, now: Listing) {
  if (options.json) return yield* Console.log(JSON.stringify(listJson(now)))
  const { style } = yield* InvocationContext
  if ((yield* TerminalCapabilities.TerminalCapabilities).canAnimate) {
    yield* yield* Clear
    return yield* Console.log(listText(options, now, style))
  }
  const time = new Date(yield* Clock.currentTimeMillis).toISOString()
  for (const change of changesBetween(before, now.attachments)) yield* Console.log(changeText(time, change))
})
