/** `userspace gc`: removes stale attachments by a list of valid ones, as a runtime's GC does, or by sandbox. */

import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { NetworkCall } from "../../attachment/Call.ts"
import * as Gc from "../../attachment/node/Gc.ts"
import { listed } from "../../attachment/node/Listing.ts"
import type { Switches } from "../../attachment/node/Switches.ts"
import type { ObservedAttachment } from "../../attachment/ObservedAttachment.ts"
import { defaultStateDir } from "../../cni/network/Validators.ts"
import { stateDirIn } from "../../cni/Request.ts"
import type { CniError } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { type ValidAttachment, validKeys } from "../../cni/types/ValidAttachments.ts"
import { atLeast } from "../../cni/types/Versions.ts"
import { networkAsked, readConfigurationFiles, readValidFile } from "../input/ConfigurationFile.ts"
import { everyFlag, jsonFlag, networkFlags, stateDirFlag, withPluginPath, yes } from "../input/Flags.ts"
import { onNodeSwept } from "../input/OnNode.ts"
import {
  CommandLineError,
  commandLineErrorText,
  endsWell,
  failWith,
  fromCni,
  InvocationContext,
  print
} from "../print/Printer.ts"
import { listTable } from "./List.ts"

const flags = {
  ...networkFlags,
  config: networkFlags.config.pipe(
    Flag.withDescription(
      "One or more networks, also the output of `kubectl get net-attach-def -o json`. With --by-sandbox the default is all networks of the node"
    ),
    Flag.optional
  ),
  stateDir: stateDirFlag.pipe(
    Flag.withDescription(`Without --config: directory of the records (default: ${defaultStateDir})`)
  ),
  valid: Flag.Path("valid").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription('Live attachments: [{"containerID": "ID", "ifname": "net1"}, ...]. All others are removed'),
    Flag.optional
  ),
  bySandbox: yes("by-sandbox", "Remove only recorded attachments whose network namespace is gone"),
  every: everyFlag,
  dryRun: yes("dry-run", "Change nothing; print what would be removed"),
  json: jsonFlag
}
type GcOptions = Command.Command.Config.Infer<typeof flags>

/** Undefined: by sandbox. */
type Valid = ReadonlyArray<ValidAttachment> | undefined

const perform = Effect.fnUntraced(function* (options: GcOptions) {
  const { bySandbox, every, valid } = options
  if (Option.isSome(every) && !bySandbox) return yield* ofOneMoment
  if (bySandbox === Option.isSome(valid)) return yield* eitherOr
  yield* Option.isNone(every) ? once(options) : stay(options, every.value)
})

/** Runs until it is stopped, which is not a failure. A failed round is reported, and the next one retries. */
const stay = Effect.fnUntraced(
  function* (options: GcOptions, every: Duration.Duration) {
    const { style } = yield* InvocationContext
    const round = Effect.catch(once(options), (commandLineError) =>
      Console.error(commandLineErrorText(commandLineError, style.strong))
    )
    yield* Effect.repeat(round, Schedule.spaced(every))
  },
  Effect.onInterrupt(() => endsWell)
)

const ofOneMoment = new CommandLineError({
  failed: "gc cannot repeat with a list",
  answer: "--every needs --by-sandbox: a --valid list is soon out of date",
  cure: "Leave --every out, or give --by-sandbox."
})

const once = Effect.fnUntraced(function* (options: GcOptions) {
  const { dryRun, every, json } = options
  const { style } = yield* InvocationContext
  const { config } = options
  const { networks, notJudged, problems, removed, stays } = Option.isSome(config)
    ? yield* ofNetworks(config.value, options)
    : options.bySandbox
      ? yield* ofNode(options)
      : yield* whichNetwork
  const of =
    networks === undefined ? "all networks" : `network${networks.length === 1 ? "" : "s"} ${networks.join(", ")}`
  const head = dryRun ? `Dry run of GC: ${of}. Nothing was changed.` : `Removed ${counted(removed.length)} of ${of}.`
  const table = removed.length === 0 ? [] : ["", ...(dryRun ? ["Would be removed:"] : []), listTable(removed, style)]
  const rest = dryRun && removed.length === 0 ? ["", "Nothing to remove."] : []
  const [network, ...others] = networks ?? []
  const quiet = Option.isSome(every) && removed.length === 0
  yield* (quiet ? quietly : print)(
    json,
    // Null: each attachment has its network.
    { dryRun, network: others.length === 0 ? (network ?? null) : null, removed, stays, notJudged, problems },
    [
      style.strong(head),
      ...table,
      ...rest,
      "",
      `${dryRun ? "Would be kept" : "Kept"}: ${stays}.`,
      ...openQuestions(notJudged)
    ].join("\n")
  )
  yield* failWith(dryRun ? "gc is incomplete" : "gc is incomplete; the next gc does the rest", problems)
})

const openQuestions = (notJudged: number): ReadonlyArray<string> =>
  notJudged === 0
    ? []
    : [
        `Not judged: ${counted(notJudged)} of the original plugin's fork. Run \`userspace gc --by-sandbox --config FILE\`.`
      ]

const quietly: typeof print = () => Effect.void

/** All configurations are validated before anything is removed. */
const ofNetworks = Effect.fnUntraced(function* (path: string, { cniPath, dryRun, valid: file }: GcOptions) {
  const { variables } = yield* InvocationContext
  const valid = Option.isSome(file) ? yield* readValidFile(file.value) : undefined
  const asked = yield* Effect.forEach(yield* readConfigurationFiles(path), (text) =>
    Effect.mapError(networkAsked("GC", text, { variables, cniPath }, listOf(valid)), fromCni("gc"))
  )
  const all = yield* Effect.forEach(asked, (one) =>
    onNodeSwept(stateDirIn(one.envelope), dryRun, (switches) => ofNetwork(one.call, valid, switches, dryRun))
  )
  return {
    /** Undefined: all. */
    networks: asked.map(({ call }) => call.network),
    /** Attachments of the fork, whose network only a configuration names. */
    notJudged: 0,
    removed: all.flatMap(({ removed }) => removed),
    stays: all.reduce((sum, { stays }) => sum + stays, 0),
    problems: all.flatMap(({ problems }) => problems)
  }
})

const ofNetwork = Effect.fnUntraced(function* (call: NetworkCall, valid: Valid, switches: Switches, dryRun: boolean) {
  const seen = yield* Gc.look(call, switches)
  const { found } = seen
  const gone = valid === undefined ? yield* Gc.withoutSandbox(found) : Gc.stale(call, found, valid)
  const isForwarded = valid !== undefined && atLeast(call.configuration.version, "1.1.0")
  const remove = Effect.all([
    Gc.remove(call, gone, found, { switches }),
    Gc.sweep(call.network, valid ?? []),
    isForwarded ? Gc.forward(call) : Effect.succeed([])
  ])
  return yield* outcome(seen, gone, call.environment.variables, dryRun ? nothing : remove)
})

/** Uses the records alone. */
const ofNode = Effect.fnUntraced(function* ({ cniPath, dryRun, stateDir }: GcOptions) {
  const { variables: own } = yield* InvocationContext
  const variables = withPluginPath({ cniPath }, own)
  return yield* onNodeSwept(stateDir, dryRun, (switches) =>
    Effect.gen(function* () {
      const seen = yield* Gc.lookAll(switches, variables)
      const gone = yield* Gc.withoutSandbox(seen.found)
      const remove = Effect.all([Gc.removeRecorded(switches, gone, seen.found, variables), Gc.sweep("", [])])
      const done = yield* outcome(seen, gone, variables, dryRun ? nothing : remove)
      return { networks: undefined, notJudged: seen.notJudged, ...done }
    })
  )
})

const counted = (number: number): string => (number === 1 ? "one attachment" : `${number} attachments`)

const eitherOr = new CommandLineError({
  failed: "gc needs to know which attachments are alive",
  answer: "give either --valid FILE or --by-sandbox",
  cure: "Use --by-sandbox to trust the plugin's records, --valid to give a list of your own. Try it with --dry-run first."
})

const whichNetwork = new CommandLineError({
  failed: "gc needs to know which network",
  answer: "--valid needs --config, which is missing",
  cure: "Give --config FILE: a network, or the output of `kubectl get net-attach-def NAME -o json`."
})

/** The form in which a runtime passes it, for IPAM plugins. */
const listOf = (valid: Valid): Readonly<Record<string, unknown>> => {
  const list = valid?.map(({ containerId, ifName }) => ({ containerID: containerId, ifname: ifName }))
  return list === undefined ? {} : Object.fromEntries(validKeys.map((key) => [key, list]))
}

type Removed = readonly [ReadonlyArray<Gc.Removal>, ...ReadonlyArray<ReadonlyArray<CniError>>]

const nothing: Effect.Effect<Removed> = Effect.succeed([[]])

/** Lists what is gone, and then removes it. `removed`: in a dry run what would be. */
const outcome = Effect.fnUntraced(function* <R>(
  seen: Parameters<typeof listed>[1] & {
    readonly failures: ReadonlyArray<CniError>
    readonly found: ReadonlyArray<ObservedAttachment>
  },
  gone: ReadonlyArray<ObservedAttachment>,
  variables: Variables,
  remove: Effect.Effect<Removed, never, R>
) {
  const rows = yield* Effect.forEach(gone, (one) => listed(one, seen, variables))
  const [removals, ...more] = yield* remove
  const undone = new Set(removals.flatMap(({ found, undone }) => (undone.length === 0 ? [] : [found.key])))
  const problems = [...seen.failures, ...removals.flatMap(({ undone }) => undone), ...more.flat()]
  return {
    removed: rows.filter((_, index) => !undone.has(gone[index]?.key ?? "")).flat(),
    stays: seen.found.length - gone.length + undone.size,
    problems: problems.map(({ details, msg }) => ({ failed: msg, cure: details }))
  }
})

export const command = Command.make("gc", flags, perform).pipe(
  Command.withExamples([
    {
      command: "userspace gc --by-sandbox --dry-run",
      description: "Which attachments of deleted pods are on this node?"
    },
    { command: "userspace gc --config net.conf --valid alive.json", description: "As a container runtime's GC" }
  ])
)
