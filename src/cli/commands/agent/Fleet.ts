/** `userspace fleet`: all nodes of a cluster, by what their agents have written. Asks the API server alone. */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { everyFlag, jsonFlag, yes } from "../../input/Flags.ts"
import { fleetNodes, kubeconfigFlag } from "../../input/FleetNodes.ts"
import { fleetJson, fleetStatus, fleetText } from "../../print/FleetText.ts"
import { complain, ExitStatus, endsWell, InvocationContext, print } from "../../print/Printer.ts"
import { screen } from "../../print/Screen.ts"

const flags = {
  kubeconfig: kubeconfigFlag,
  watch: yes("watch", "Show the table again and again, until q or Ctrl-C"),
  every: everyFlag.pipe(Flag.withDescription("With --watch: time between two readings (default: 10s)")),
  json: jsonFlag.pipe(Flag.withDescription("Print JSON; with --watch one document at each change"))
}
type FleetOptions = Command.Command.Config.Infer<typeof flags>

const once = Effect.fnUntraced(function* ({ json, kubeconfig }: FleetOptions) {
  const { style } = yield* InvocationContext
  const nodes = yield* fleetNodes(kubeconfig)
  yield* print(json, fleetJson(nodes), fleetText(nodes, style))
  const status = fleetStatus(nodes)
  if (status !== 0) return yield* new ExitStatus({ status })
})

/** A failure that lasts is reported once, and ends nothing. */
const watch = Effect.fnUntraced(function* ({ every, json, kubeconfig }: FleetOptions) {
  const { style } = yield* InvocationContext
  const on = yield* screen(!json)
  let shown = ""
  let told: ReadonlyArray<string> = []
  const show = Effect.gen(function* () {
    const nodes = yield* Effect.result(fleetNodes(kubeconfig))
    const words = Result.isFailure(nodes) ? [`${nodes.failure.failed}: ${nodes.failure.answer}`] : []
    yield* complain(told, words)
    told = words
    if (Result.isFailure(nodes)) return
    const text = json ? JSON.stringify(fleetJson(nodes.success)) : fleetText(nodes.success, style)
    if (text === shown && !on.live) return
    shown = text
    yield* on.clear
    const time = new Date(yield* Clock.currentTimeMillis).toISOString()
    yield* Console.log(on.live ? `${text}\n\n${time}` : text)
  })
  const shows = Effect.repeat(show, {
    schedule: Schedule.spaced(Option.getOrElse(every, () => Duration.seconds(10))),
    // Nobody reads any more: what is printed then ends the command (`Main.ts`).
    until: () => process.exitCode !== undefined
  })
  yield* Effect.onInterrupt(Effect.raceFirst(shows, on.ended), () => endsWell)
}, Effect.scoped)

export const command = Command.make("fleet", flags, (options) => (options.watch ? watch(options) : once(options))).pipe(
  Command.withExamples([
    { command: "userspace fleet", description: "Which node is wrong?" },
    { command: "userspace fleet --watch", description: "Keep looking" },
    { command: "userspace doctor --node worker-1", description: "What is wrong there?" }
  ])
)
