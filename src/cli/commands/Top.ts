/** `userspace top`: reads the counters of the switches once a second and shows the rates once in `--every`. It asks the switches itself, with or without an agent. Changes nothing. */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as NodeTraffic from "../../attachment/traffic/NodeTraffic.ts"
import * as Rates from "../../attachment/traffic/Rates.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import { controlsOf, everyFlag, jsonFlag, selectorFlags, stateDirFlag, switchFlags, text, yes } from "../input/Flags.ts"
import { onNode } from "../input/OnNode.ts"
import { selectorFrom } from "../input/Selected.ts"
import {
  aligned,
  complain,
  endsWell,
  failWith,
  InvocationContext,
  misused,
  problemJson,
  type Style
} from "../print/Printer.ts"
import { type Screen, type Size, screen } from "../print/Screen.ts"

const flags = {
  pod: selectorFlags.pod.pipe(Flag.withDescription("Only the interfaces of this pod")),
  network: text("network", "NAME", "Only the interfaces of this network"),
  sort: Flag.Literals("sort", ["packets", "bits", "drops", "pod"]).pipe(
    Flag.withDescription("What the table begins with: the most packets, bits or drops, or by name (default: packets)"),
    Flag.withDefault("packets")
  ),
  every: everyFlag.pipe(Flag.withDescription("Time between two tables: 10s (default: 2s; at least 1s)")),
  once: yes("once", "Print one table and exit: the rates between two readings, --every apart"),
  stateDir: stateDirFlag,
  ...switchFlags,
  json: jsonFlag.pipe(Flag.withDescription("Print JSON, one document instead of each table"))
}
type TopOptions = Command.Command.Config.Infer<typeof flags>

/** Open vSwitch writes its counters every five seconds or less often. */
const tick = "1 second"
const tickMillis = 1000

const perform = Effect.fnUntraced(function* (options: TopOptions) {
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

export type Sort = "packets" | "bits" | "drops" | "pod"

const measures: Readonly<Record<Exclude<Sort, "pod">, (rates: Rates.Rates) => number>> = {
  packets: ({ receive, transmit }) => sum(receive.packets, transmit.packets),
  bits: ({ receive, transmit }) => sum(receive.bytes, transmit.bytes),
  drops: ({ receive, transmit }) => receive.dropped + transmit.dropped
}

/** -1: unknown. */
const sum = (one: number | undefined, other: number | undefined): number =>
  one === undefined || other === undefined ? -1 : one + other

/** The most first; unknown rates last; then by name. */
export const sorted = (
  interfaces: ReadonlyArray<Rates.RatedInterface>,
  by: Sort
): ReadonlyArray<Rates.RatedInterface> => {
  const measured = ({ rates }: Rates.RatedInterface) =>
    by === "pod" ? 0 : rates === undefined ? -1 : Math.round(measures[by](rates))
  const names = (one: Rates.RatedInterface) =>
    [podOf(one), one.who?.ifName, one.who?.network, one.traffic.port].join("\0")
  return interfaces.toSorted((one, other) => measured(other) - measured(one) || (names(one) < names(other) ? -1 : 1))
}

const heads = [
  ...["POD", "INTERFACE", "NETWORK", "CONNECTED"],
  ...["RX PACKETS/S", "RX BITS/S", "TX PACKETS/S", "TX BITS/S", "DROPS/S"]
]

/** Names, which are shortened when the terminal is narrow. */
const names = 3
const shortest = 9

export const topTable = (
  interfaces: ReadonlyArray<Rates.RatedInterface>,
  { columns, rows }: Size,
  style: Style
): string => {
  const room = rows === undefined ? interfaces.length : Math.max(1, rows - 1)
  const shown = interfaces.length <= room ? interfaces : interfaces.slice(0, Math.max(1, room - 1))
  const left = interfaces.length - shown.length
  const cells = fitted([heads, ...shown.map(cellsOf)], columns)
  const cut = (line: string) => (columns === undefined ? line : line.slice(0, columns))
  const [head = "", ...lines] = aligned(cells)
  return [
    style.strong(cut(head)),
    ...lines.map(cut),
    ...(left === 0 ? [] : [cut(`... and ${left} more: --pod and --network select`)])
  ].join("\n")
}

const gap = 2

/** Shortens the longest name until the table fits, or the names are as short as they may be. */
const fitted = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  columns: number | undefined
): ReadonlyArray<ReadonlyArray<string>> => {
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)))
  const wide = () => widths.reduce((sum, width) => sum + width, gap * (widths.length - 1))
  while (columns !== undefined && wide() > columns) {
    const longest = Math.max(...widths.slice(0, names))
    if (longest <= shortest) break
    widths[widths.indexOf(longest)] = longest - 1
  }
  return rows.map((row) =>
    row.map((cell, column) => {
      const width = widths[column] ?? cell.length
      if (column < names) return cell.length > width ? `${cell.slice(0, width - 1)}~` : cell
      return column === names ? cell : cell.padStart(width)
    })
  )
}

const podOf = ({ who }: Rates.RatedInterface): string =>
  who?.pod === undefined ? who?.containerId.slice(0, 12) || "-" : `${who.pod.namespace}/${who.pod.name}`

const cellsOf = (one: Rates.RatedInterface): ReadonlyArray<string> => {
  const { rates, traffic, who } = one
  const numbers =
    rates === undefined
      ? heads.slice(names + 1).map(() => "-")
      : [
          ...[rates.receive, rates.transmit].flatMap(({ bytes, packets }) => [
            packets === undefined ? "-" : short(packets),
            bytes === undefined ? "-" : short(8 * bytes)
          ]),
          short(measures.drops(rates))
        ]
  return [podOf(one), who?.ifName ?? "-", who?.network ?? "-", traffic.connected ? "yes" : "no", ...numbers]
}

/** Three digits: `0.5`, `999`, `12.3k`, `1.48M`. */
export const short = (number: number): string => {
  const scale = units.findLast(({ from }) => number >= from)
  return scale === undefined ? String(digits(number)) : `${digits(number / scale.unit)}${scale.name}`
}

/** From where three digits round to one unit. */
const units = [
  { name: "k", unit: 1e3 },
  { name: "M", unit: 1e6 },
  { name: "G", unit: 1e9 },
  { name: "T", unit: 1e12 }
].map(({ name, unit }) => ({ name, unit, from: 0.9995 * unit }))

const digits = (number: number): number => Number(number.toPrecision(3))

export const interfaceJson = ({ at, rates, traffic, who }: Rates.RatedInterface) => ({
  namespace: who?.pod?.namespace ?? null,
  pod: who?.pod?.name ?? null,
  containerId: who?.containerId ?? null,
  interface: who?.ifName ?? null,
  network: who?.network ?? null,
  engine: at.engine,
  control: at.control,
  port: traffic.port,
  connected: traffic.connected,
  receive: wayJson(rates?.receive),
  transmit: wayJson(rates?.transmit)
})

const wayJson = (rate: Rates.Rates["receive"] | undefined) =>
  rate === undefined
    ? null
    : {
        packetsPerSecond: rate.packets ?? null,
        bitsPerSecond: rate.bytes === undefined ? null : 8 * rate.bytes,
        dropsPerSecond: rate.dropped
      }

export const command = Command.make("top", flags, perform).pipe(
  Command.withExamples([
    { command: "userspace top", description: "Which pods are busy, and which lose packets?" },
    { command: "userspace top --pod default/web-0", description: "Do packets reach this pod?" },
    { command: "userspace top --once --json", description: "The rates of this moment for a program" }
  ])
)
