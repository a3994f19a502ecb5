/**
 * Runs `userspace top`: reads the counters of the switches once a second and shows the rates once in `--every`. It asks
 * the switches itself, with or without an agent. Changes nothing.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as NodeTraffic from "../../attachment/traffic/NodeTraffic.ts"
import * as Rates from "../../attachment/traffic/Rates.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import { endsWell, InvocationContext } from "../input/InvocationContext.ts"
import { controlsOf, type TopOptions } from "../input/NodeFlags.ts"
import { selectorFrom } from "../input/Selected.ts"
import { complain, failWith, onNode, problemJson } from "../perform/Node.ts"
import { misused } from "../text/CommandLineError.ts"
import { type Screen, screen } from "./Screen.ts"
import { interfaceJson, sorted, topTable } from "./TopText.ts"

/** Open vSwitch writes its counters every five seconds or less often. */
const tick = "1 second"
const tickMillis = 1000

export const perform = Effect.fnUntraced(function* (options: TopOptions) {
  const { style, variables } = yield* InvocationContext
  const every = Duration.toMillis(Option.getOrElse(options.every, () => Duration.seconds(2)))
  if (every < tickMillis) return yield* tooOften
  const { pod } = yield* selectorFrom({ pod: options.pod, containerId: Option.none(), ifname: Option.none() })
  const isWanted = ({ who }: NodeTraffic.InterfaceTraffic) =>
    (pod === undefined || (who?.pod?.namespace === pod.namespace && who.pod.name === pod.name)) &&
    (Option.isNone(options.network) || who?.network === options.network.value)

  const show = Effect.fnUntraced(function* (on: Screen, readings: Rates.Readings, problems: ReadonlyArray<Explained>) {
    const interfaces = sorted(Rates.ratedInterfaces(readings).filter(isWanted), options.sort)
    if (options.json) {
      const time = new Date(yield* Clock.currentTimeMillis).toISOString()
      const document = { time, interfaces: interfaces.map(interfaceJson), problems: problems.map(problemJson) }
      return yield* Console.log(JSON.stringify(document))
    }
    yield* on.clear
    const size = yield* on.size
    const words = on.live ? problems.map(({ failed }) => `userspace: ${failed}`) : []
    const rows = size.rows === undefined ? undefined : size.rows - words.length - 1
    const text = interfaces.length === 0 ? nothing : topTable(interfaces, { ...size, rows }, style)
    yield* Console.log([text, ...words].join("\n"))
  })

  /** Prints until it is interrupted, or once. */
  const watch = (on: Screen) =>
    onNode(options.stateDir, (switches) => {
      const traffic = NodeTraffic.make(switches, controlsOf(options), variables)
      let readings = Rates.noReadings
      let shown: number | undefined
      let told: ReadonlyArray<string> = []
      const look = Effect.gen(function* () {
        const now = yield* traffic
        const at = yield* Clock.currentTimeMillis
        readings = Rates.read(readings, now, at)
        const problems = [...now.silent.map(({ error }) => error), ...now.failures]
        const words = problems.map(({ failed }) => failed)
        if (!on.live && !options.once) yield* complain(told, words)
        told = words
        const isFirst = shown === undefined
        shown ??= at
        if (isFirst && !on.live) return false
        if (!isFirst && at - shown < every) return false
        if (options.once && !Rates.isReady(readings)) return false
        readings = Rates.rate(readings)
        shown = at
        yield* show(on, readings, problems)
        if (options.once) yield* failWith("the table may be incomplete", problems)
        return options.once
      })
      return Effect.repeat(look, {
        schedule: Schedule.fixed(tick),
        // Nobody reads any more: what is printed then ends the command (`Main.ts`).
        until: (done) => done || process.exitCode !== undefined
      })
    })

  const shownOn = Effect.flatMap(screen(!options.json && !options.once), (on) =>
    Effect.raceFirst(watch(on), on.ended)
  ).pipe(Effect.scoped)
  yield* options.once ? shownOn : Effect.onInterrupt(shownOn, () => endsWell)
})

const nothing = "No interface with a port on the switches that were read."

const tooOften = misused(
  "--every is less than a second",
  "Give --every 1s or more. Open vSwitch writes its counters every five seconds."
)
