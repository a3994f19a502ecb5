/**
 * `userspace gc`: removes what pods have left behind, by hand: as a runtime's GC, with a list of what is valid; or what
 * was added to sandboxes that are gone, as far as there are records, for when there is no list.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Found } from "../attachment/Found.ts"
import * as Gc from "../attachment/Gc.ts"
import { type Listed, listed, sandboxOf } from "../attachment/Listing.ts"
import { tools } from "../attachment/NetworkVerbs.ts"
import type { NetworkCall } from "../attachment/Stray.ts"
import type { Switches } from "../attachment/Switches.ts"
import { stateDirOfAsked } from "../attachment/Verbs.ts"
import { type ValidAttachment, validKeys } from "../cni/ValidAttachments.ts"
import { atLeast } from "../cni/Versions.ts"
import { Caller } from "./Caller.ts"
import { Complaint, fromCni } from "./Complaint.ts"
import { readConfigurationFile } from "./ConfigurationFile.ts"
import { listTable } from "./ListText.ts"
import { networkAsked } from "./NetworkAsked.ts"
import { complain, onNode, print } from "./Node.ts"
import { readValidFile } from "./ValidFile.ts"

/** Undefined: by sandbox. */
type Valid = ReadonlyArray<ValidAttachment> | undefined

export interface GcOptions {
  readonly config: string
  readonly valid: Option.Option<string>
  readonly bySandbox: boolean
  readonly cniPath: Option.Option<string>
  readonly dryRun: boolean
  readonly json: boolean
}

export const performGc = Effect.fnUntraced(function* ({
  bySandbox,
  cniPath,
  config,
  dryRun,
  json,
  valid: file
}: GcOptions) {
  const { style, variables } = yield* Caller
  if (bySandbox === Option.isSome(file)) return yield* eitherOr
  const valid = Option.isSome(file) ? yield* readValidFile(file.value) : undefined
  const asked = yield* Effect.mapError(
    networkAsked("GC", yield* readConfigurationFile(config), { variables, cniPath }, listOf(valid)),
    fromCni("gc")
  )
  const done = yield* onNode(stateDirOfAsked(asked), (switches) => collect(asked.call, valid, switches, dryRun))
  const { problems, removed, stays } = done
  const { network } = asked.call
  const head = dryRun
    ? `Dry run of GC: network ${network}. Nothing was changed.`
    : `Removed ${counted(removed)} of network ${network}.`
  const table = removed.length === 0 ? [] : ["", ...(dryRun ? ["These would go:"] : []), listTable(removed, style)]
  const rest = dryRun && removed.length === 0 ? ["", "There is nothing to remove."] : []
  yield* print(
    json,
    { dryRun, network, removed, stays, problems },
    [style.strong(head), ...table, ...rest, "", `${dryRun ? "These would stay" : "There stay"}: ${stays}.`].join("\n")
  )
  yield* complain(dryRun ? "cannot look everywhere" : "not all was done; the next gc does the rest", problems)
})

const counted = ({ length }: ReadonlyArray<unknown>): string =>
  length === 1 ? "one attachment" : `${length} attachments`

const eitherOr = new Complaint({
  failed: "gc has to know what is alive",
  answer: "give one of --valid FILE and --by-sandbox",
  cure: "--by-sandbox goes by what the plugin recorded, --valid by what you know. With --dry-run nothing is changed."
})

/** As a runtime passes it on, for IPAM plugins. */
const listOf = (valid: Valid): Readonly<Record<string, unknown>> => {
  const list = valid?.map(({ containerId, ifName }) => ({ containerID: containerId, ifname: ifName }))
  return list === undefined ? {} : Object.fromEntries(validKeys.map((key) => [key, list]))
}

interface Collected {
  /** Or would be. */
  readonly removed: ReadonlyArray<Listed>
  readonly stays: number
  readonly problems: ReadonlyArray<{ readonly failed: string; readonly cure: string }>
}

const collect = Effect.fnUntraced(function* (call: NetworkCall, valid: Valid, switches: Switches, dryRun: boolean) {
  const seen = yield* Gc.look(call, switches)
  const { found } = seen
  const gone = valid === undefined ? yield* withoutSandbox(found) : Gc.strays(call, found, valid)
  // Told of before they go.
  const rows = yield* Effect.forEach(gone, (one) => listed(one, seen, call.environment.variables))
  const removals = dryRun ? [] : yield* Gc.remove(call, gone, found, tools(switches))
  const undone = new Set(removals.flatMap(({ found, undone }) => (undone.length === 0 ? [] : [found.key])))
  const swept = dryRun || valid === undefined ? [] : yield* Gc.sweep(call, valid)
  const forwarded =
    dryRun || valid === undefined || !atLeast(call.configuration.version, "1.1.0") ? [] : yield* Gc.forward(call)
  const problems = [...seen.failures, ...removals.flatMap(({ undone }) => undone), ...swept, ...forwarded]
  const done: Collected = {
    removed: rows.filter((_, index) => !undone.has(gone[index]?.key ?? "")).flat(),
    stays: found.length - gone.length + undone.size,
    problems: problems.map(({ details, msg }) => ({ failed: msg, cure: details }))
  }
  return done
})

/** One that is being added has its sandbox. What has no record is not judged. */
const withoutSandbox = (found: ReadonlyArray<Found>) =>
  Effect.filter(found, ({ record }) => Effect.map(sandboxOf(record?.netns), (sandbox) => sandbox === "gone"))
