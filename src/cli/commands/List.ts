/** `userspace list`, and `userspace list --watch`. Changes nothing. */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { type Listed, type Listing, list } from "../../attachment/node/Listing.ts"
import { controlsOf, jsonFlag, stateDirFlag, switchFlags, text, yes } from "../input/Flags.ts"
import { onNode } from "../input/OnNode.ts"
import { agentJson, agentThere, withAgent } from "../print/AgentThere.ts"
import {
  Clear,
  type Column,
  cellsOf,
  complain,
  endsWell,
  failWith,
  InvocationContext,
  print,
  problemJson,
  type Style,
  table,
  who
} from "../print/Printer.ts"

const flags = {
  network: text("network", "NAME", "Only the attachments of this network"),
  stateDir: stateDirFlag,
  ...switchFlags,
  watch: yes("watch", "Keep running and print what changes: the table anew on a terminal, else one line a change"),
  json: jsonFlag.pipe(Flag.withDescription("Print JSON; with --watch one document a change"))
}
type ListOptions = Command.Command.Config.Infer<typeof flags>

/** The attachments of the network that is asked for, or of all. */
const listed = Effect.fnUntraced(function* (options: ListOptions) {
  const { network, stateDir } = options
  const { variables } = yield* InvocationContext
  const all = yield* onNode(stateDir, (switches) => list(switches, { controls: controlsOf(options), variables }))
  const listing: Listing = {
    ...all,
    attachments: all.attachments.filter((one) => Option.isNone(network) || one.network === network.value)
  }
  return listing
})

const listJson = ({ attachments, doubts, problems }: Listing) => ({
  attachments,
  problems: [...problems, ...doubts].map(problemJson)
})

const listText = ({ network, stateDir }: ListOptions, { attachments }: Listing, style: Style): string =>
  attachments.length === 0 ? nothing(stateDir, network) : listTable(attachments, style)

const performList = Effect.fnUntraced(function* (options: ListOptions) {
  const { style } = yield* InvocationContext
  const listing = yield* listed(options)
  const agent = yield* agentThere
  yield* print(
    options.json,
    { ...agentJson(agent), ...listJson(listing) },
    withAgent(listText(options, listing, style), agent)
  )
  const { doubts, problems } = listing
  yield* problems.length > 0
    ? failWith("the list may be incomplete", [...problems, ...doubts])
    : failWith("a switch does not answer; the state of its ports is unknown", doubts)
})

const nothing = (stateDir: string, network: Option.Option<string>): string => {
  const of = Option.match(network, { onNone: () => "", onSome: (name) => ` of network ${name}` })
  return `No attachments${of}: no record in ${stateDir}, no port on the switches that were inspected.`
}

/**
 * Lists once a second and prints what has changed. Neither switch tells by itself that an application has connected.
 */
const watchList = Effect.fnUntraced(
  function* (options: ListOptions) {
    let before: Listing | undefined
    const look = Effect.gen(function* () {
      const now = yield* listed(options)
      yield* complain(before === undefined ? [] : wordsOf(before), wordsOf(now))
      if (before === undefined || isChanged(before, now)) yield* show(options, before?.attachments ?? [], now)
      before = now
    })
    // Nobody reads any more: what is printed then ends the command (`Main.ts`).
    yield* Effect.repeat(look, { schedule: Schedule.spaced("1 second"), while: () => process.exitCode === undefined })
  },
  Effect.onInterrupt(() => endsWell)
)

const isChanged = (before: Listing, now: Listing): boolean =>
  changesBetween(before.attachments, now.attachments).length > 0 ||
  wordsOf(before).join("\n") !== wordsOf(now).join("\n")

const wordsOf = ({ doubts, problems }: Listing): ReadonlyArray<string> =>
  [...problems, ...doubts].map(({ failed }) => failed)

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

const perform = (options: ListOptions) => (options.watch ? watchList : performList)(options)

const { containerId, ifName, network, pod } = who((one: Listed) => one)

const columns = (hasDevices: boolean): ReadonlyArray<Column<Listed>> => [
  ...[network, pod, containerId, ifName],
  ...(hasDevices ? [{ head: "DEVICE", of: ({ device }: Listed) => device }] : []),
  { head: "SWITCH", of: ({ engine }) => engine },
  { head: "PORT", of: ({ port }) => port },
  { head: "STATE", of: (one) => stateOf(one) }
]

export const listTable = (attachments: ReadonlyArray<Listed>, style: Style): string =>
  table(attachments, columns(attachments.some(({ device }) => device !== null)), style)

const stateOf = ({
  lastState,
  recorded,
  sandbox,
  state
}: Pick<Listed, "lastState" | "recorded" | "sandbox" | "state">): string =>
  [
    state,
    ...(lastState === null ? [] : [`was ${lastState}`]),
    ...(recorded || state === "original" || state === "fork" ? [] : ["no record"]),
    ...(sandbox === "gone" ? ["sandbox gone"] : [])
  ].join(", ")

interface Change {
  readonly what: "new" | "changed" | "gone"
  readonly one: Listed
}

const keyOf = ({ containerId, control, ifName, network, port }: Listed): string =>
  [network, containerId, ifName, control, port].join("\0")

/** In the order of the lists; what is gone comes first. */
const changesBetween = (before: ReadonlyArray<Listed>, now: ReadonlyArray<Listed>): ReadonlyArray<Change> => {
  const earlier = new Map(before.map((one) => [keyOf(one), JSON.stringify(one)]))
  const keys = new Set(now.map(keyOf))
  return [
    ...before.filter((one) => !keys.has(keyOf(one))).map((one): Change => ({ what: "gone", one })),
    ...now.flatMap((one): ReadonlyArray<Change> => {
      const was = earlier.get(keyOf(one))
      return was === JSON.stringify(one) ? [] : [{ what: was === undefined ? "new" : "changed", one }]
    })
  ]
}

/** One line, of the columns that the table has. */
const changeText = (time: string, { one, what }: Change): string =>
  [time, what, ...cellsOf(columns(false), one).flat()].join("  ")

export const command = Command.make("list", flags, perform).pipe(
  Command.withExamples([
    { command: "userspace list", description: "Which attachments are on this node?" },
    { command: "userspace list --watch", description: "Which come, connect and go?" },
    {
      command: "userspace list --json | jq -r '.attachments[] | select(.state == \"missing\") | .containerId'",
      description: "Which ports has the switch lost?"
    }
  ])
)
