/**
 * `userspace agent`: serves calls and heals; or with `--once` one round of healing by hand, as a table for people, and as
 * JSON.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { addressIn } from "../../../agent/metrics/Endpoint.ts"
import { defaultSocket, socketVariable } from "../../../agent/Protocol.ts"
import { installed } from "../../../attachment/doctor/Node.ts"
import { type Healed, healed, lookedAt, problemsOf } from "../../../attachment/heal/Healed.ts"
import { type Rounds, once as round } from "../../../attachment/heal/Round.ts"
import { defaultStateDir } from "../../../cni/network/Validators.ts"
import type { Resources } from "../../../devices/Resources.ts"
import { contents } from "../../input/ConfigurationFile.ts"
import { everyFlag, jsonFlag, networkFlags, stateDirFlag, text, withPluginPath, yes } from "../../input/Flags.ts"
import { enterHost, hostFlag } from "../../input/Host.ts"
import { onNodeSwept } from "../../input/OnNode.ts"
import { socketAsked } from "../../print/AgentThere.ts"
import {
  type Column,
  CommandLineError,
  failWith,
  InvocationContext,
  print,
  problemJson,
  type Style,
  table,
  who
} from "../../print/Printer.ts"
import { command as status } from "./AgentStatus.ts"

const metricsFlag = Flag.String("metrics").pipe(
  Flag.withMetavar("ADDRESS:PORT"),
  Flag.withDescription("Serve GET /metrics and /healthz on this TCP address too; default: on the agent's socket alone"),
  Flag.filterMap(
    (text) => Option.fromUndefinedOr(addressIn(text)),
    () => "an IP address and a port, such as 10.0.0.5:9464 or [fd00::5]:9464"
  ),
  Flag.optional
)

const onlyOnce = new CommandLineError({
  failed: "the agent serves and heals for as long as it runs",
  answer: "--dry-run and --json are for one round, and --once is missing",
  cure: "Give --once with them."
})

const flags = {
  socket: text(
    "socket",
    "PATH",
    `The socket that calls are served on (default: ${socketVariable}, or ${defaultSocket})`
  ),
  once: yes("once", "Inspect all attachments of this node once, repair them, print the findings, and exit"),
  dryRun: yes("dry-run", "With --once: change nothing; print what would be done"),
  repair: Flag.Literals("repair", ["missing", "all"]).pipe(
    Flag.withDescription(
      "missing: recreate ports that a switch has lost. all: also revert changes to a port (default: missing)"
    ),
    Flag.withDefault("missing")
  ),
  stateDir: stateDirFlag.pipe(
    Flag.withDescription(`Where the records are, as stateDir of the networks (default: ${defaultStateDir})`)
  ),
  every: everyFlag.pipe(Flag.withDescription("Pause between two full rounds over all attachments (default: 5m)")),
  metrics: metricsFlag,
  events: Flag.Literals("events", ["on", "off"]).pipe(
    Flag.withDescription("on: write events of pods, if their network's kubeconfig may create them (default: on)"),
    Flag.withDefault("on")
  ),
  resources: Flag.String("resources").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Ports that pods can ask kubelet for, as JSON (docs/devices.md)"),
    Flag.optional
  ),
  node: text(
    "node",
    "NAME",
    "Write what is known of this node into the UserspaceNode of this name, which is the Node's (docs/fleet.md)"
  ),
  kubeconfig: Flag.String("kubeconfig").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription(`With --node: who writes it (default: ${installed})`),
    Flag.withDefault(installed)
  ),
  cniPath: networkFlags.cniPath,
  host: hostFlag,
  json: jsonFlag
}
type AgentOptions = Command.Command.Config.Infer<typeof flags>

/** Serves calls and heals until it is stopped, which is the normal end. Its log has what it finds and does. */
const serve = Effect.fnUntraced(function* (
  { cniPath, every, events, kubeconfig, metrics, node, repair, socket, stateDir }: AgentOptions,
  devices: Resources | undefined
) {
  const { variables } = yield* InvocationContext
  const at = yield* socketAsked(socket)
  process.exitCode = 0
  const { run } = yield* Effect.promise(() => import("../../../agent/AgentProcess.ts"))
  yield* run({
    socket: at,
    stateDir,
    variables: withPluginPath({ cniPath }, variables),
    repair,
    every: Option.getOrElse(every, () => Duration.minutes(5)),
    metrics: Option.getOrUndefined(metrics),
    events: events === "on",
    devices,
    node: Option.getOrUndefined(Option.map(node, (name) => ({ name, kubeconfig })))
  }).pipe(
    Effect.tapError(() =>
      Effect.sync(() => {
        process.exitCode = 1
      })
    ),
    Effect.mapError(({ answer, cure }) => new CommandLineError({ failed: "cannot serve calls", answer, cure }))
  )
})

/** The file may be one of the agent's own container: its text goes with the agent to the node. */
const carriedResources = "USERSPACE_RESOURCES"

const resourcesText = Effect.fnUntraced(function* ({ resources }: AgentOptions) {
  if (Option.isNone(resources)) return undefined
  const { variables } = yield* InvocationContext
  const carried = variables[carriedResources]
  return carried ?? (yield* contents(resources.value, "Give the file of resources: docs/devices.md has its keys."))
})

const resourcesIn = Effect.fnUntraced(function* (text: string) {
  const { variables } = yield* InvocationContext
  const { readResources } = yield* Effect.promise(() => import("../../../devices/Resources.ts"))
  return yield* Effect.fromResult(readResources(text, variables)).pipe(
    Effect.mapError(
      (answer) =>
        new CommandLineError({
          failed: "cannot use the resources",
          answer,
          cure: "Correct the file that --resources names: docs/devices.md has its keys."
        })
    )
  )
})

/** One round by hand, or what it would do. */
const once = Effect.fnUntraced(function* ({ cniPath, dryRun, json, repair, stateDir }: AgentOptions) {
  const { style, variables: own } = yield* InvocationContext
  const variables = withPluginPath({ cniPath }, own)
  const rounds = yield* onNodeSwept(stateDir, dryRun, (switches) => round({ switches, variables, repair, dry: dryRun }))
  yield* print(json, healedJson(rounds, dryRun), healedText(rounds, dryRun, style))
  yield* failWith("the round is incomplete; the next round tries again", failuresOf(rounds))
})

const healedJson = (rounds: Rounds, dry: boolean) => ({
  dryRun: dry,
  looked: lookedAt(rounds),
  findings: healed(rounds),
  problems: problemsOf(rounds).map(problemJson)
})

const healedText = (rounds: Rounds, dry: boolean, style: Style): string => {
  const all = healed(rounds)
  const looked = lookedAt(rounds)
  const counted = `${looked} ${looked === 1 ? "attachment" : "attachments"}`
  const head = dry ? `Dry run of a round of healing: ${counted}. Nothing was changed.` : `Inspected ${counted}.`
  return all.length === 0
    ? [head, "", problemsOf(rounds).length === 0 ? "No differences." : "Nothing was found."].join("\n")
    : [head, "", table(all, columns, style)].join("\n")
}

const { containerId, ifName, network, pod } = who((one: Healed) => one)

const columns: ReadonlyArray<Column<Healed>> = [
  ...[network, pod, containerId, ifName],
  { head: "FOUND", of: ({ finding }) => finding },
  {
    head: "RESULT",
    of: ({ did, error, outcome, words }) =>
      [result(outcome, did), error === null ? words : `${words}: ${error.msg}`].join("; ")
  }
]

const result = (outcome: Healed["outcome"], did: string | null): string => {
  switch (outcome) {
    case "done":
      return did ?? "done"
    case "failed":
      return "failed"
    case "passed":
      return `nothing done (${did})`
    case "planned":
      return `would ${did}`
    case "waits":
      return did ?? "a later round"
    case "reported":
      return "not changed"
  }
}

/** Returns the failures with their cures, without duplicates. */
const failuresOf = (rounds: Rounds): ReadonlyArray<{ readonly failed: string; readonly cure: string }> => [
  ...problemsOf(rounds),
  ...healed(rounds).flatMap(({ error }) => (error === null ? [] : [{ failed: error.msg, cure: error.details }]))
]

const perform = Effect.fnUntraced(function* (options: AgentOptions) {
  if (!options.once && (options.dryRun || options.json)) return yield* onlyOnce
  const text = yield* resourcesText(options)
  const devices = text === undefined ? undefined : yield* resourcesIn(text)
  yield* enterHost(options, text === undefined ? {} : { [carriedResources]: text })
  yield* options.once ? once(options) : serve(options, devices)
})

export const command = Command.make("agent", flags, perform).pipe(
  Command.withSubcommands([status]),
  Command.withExamples([
    { command: "userspace agent", description: "Serve calls and heal until SIGTERM" },
    { command: "userspace agent status", description: "Is it running, and what is it doing?" },
    { command: "userspace agent --once --dry-run", description: "What would be repaired?" },
    { command: "userspace agent --once", description: "Repair it" }
  ])
)
