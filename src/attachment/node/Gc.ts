/**
 * GC: removes stale attachments from this node: of one network by the runtime's list, or of all networks by sandbox.
 * Continues after failures and reports them together. Touches nothing without the plugin's mark, and nothing of another
 * network. CNI specification 1.1.0, section 2 (GC).
 */
import * as Effect from "effect/Effect"
import { spelledOut } from "../../cni/Request.ts"
import { CniError, ErrorCodes, fromExplained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { ValidAttachment } from "../../cni/types/ValidAttachments.ts"
import { keyOf } from "../../identity/Attachment.ts"
import { Ipam } from "../../ipam/Ipam.ts"
import { baseFor } from "../../shared-dir/SocketPaths.ts"
import { delegation, type NetworkCall } from "../Call.ts"
import * as LegacyNode from "../legacy/LegacyNode.ts"
import { joined, type ObservedAttachment } from "../ObservedAttachment.ts"
import { callOfRecord } from "../Recorded.ts"
import { Records } from "../records/Records.ts"
import { failuresOf, nameOf, removeStale, type Tools } from "./StaleAttachment.ts"
import { sandboxOf, survey } from "./Survey.ts"
import type { Switches } from "./Switches.ts"

type Found = ReadonlyArray<ObservedAttachment>
type Valid = ReadonlyArray<ValidAttachment>

/** Removes every attachment that is not in the runtime's list, then calls GC of the IPAM plugin with the same list. */
export const gc = Effect.fn("GC")(function* (call: NetworkCall, valid: Valid, tools: Tools) {
  const { failures, found } = yield* look(call, tools.switches)
  const removals = yield* remove(call, stale(call, found, valid), found, tools)
  const undone = removals.flatMap(({ undone }) => undone)
  const all = [...failures, ...undone, ...(yield* sweep(call.network, valid)), ...(yield* forward(call))]
  if (all.length > 0) return yield* incomplete(all)
})

/** Lists the attachments of the network, and the sources that were unreachable. Changes nothing. */
export const look = Effect.fn("GC.look")(function* (call: NetworkCall, at: Switches) {
  const { configuration, environment, network } = call
  const { netConf, port } = configuration
  const seen = yield* survey(at, {
    network,
    controls: [port],
    base: baseFor(port, netConf.sharedDir),
    variables: environment.variables
  })
  const found = joined([...seen.found, ...(yield* LegacyNode.ofNetwork(call, seen.legacy))])
  return { found, silent: seen.silent, failures: seen.problems.map(fromExplained) }
})

/** Lists all attachments of the node. */
export const lookAll = Effect.fn("GC.lookAll")(function* (at: Switches, variables: Variables) {
  const seen = yield* survey(at, { network: undefined, controls: [], base: undefined, variables })
  const { found, legacy, problems, silent } = seen
  // The fork's marks do not name the network, so a configuration is needed.
  return { found, silent, notJudged: legacy.length, failures: problems.map(fromExplained) }
})

export const stale = ({ network }: NetworkCall, found: Found, valid: Valid): Found => {
  const alive = keysOf(network, valid)
  return found.filter(({ key }) => !alive.has(key))
}

const keysOf = (network: string, valid: Valid): ReadonlySet<string> =>
  new Set(valid.map((one) => keyOf({ ...one, network })))

/** One that is being added has its sandbox. One without a record is judged by other evidence of its sandbox. */
export const withoutSandbox = (found: Found) =>
  Effect.filter(found, ({ isGone = false, record }) =>
    record === undefined ? Effect.succeed(isGone) : Effect.map(sandboxOf(record.netns), (sandbox) => sandbox === "gone")
  )

/** The outcome for one attachment. */
export interface Removal {
  readonly found: ObservedAttachment
  /** What failed; empty: the attachment is removed. */
  readonly undone: ReadonlyArray<CniError>
}

/** IPAM plugins are processes: a few run concurrently, not hundreds. */
export const atOnce = 4

const each = <E, R>(gone: Found, self: (found: ObservedAttachment) => Effect.Effect<ReadonlyArray<CniError>, E, R>) =>
  Effect.forEach(gone, (found) => Effect.map(self(found), (undone): Removal => ({ found, undone })), {
    concurrency: atOnce
  })

/** `all`: the other attachments, which must not be affected. */
export const remove = Effect.fn("GC.remove")((call: NetworkCall, gone: Found, all: Found, tools: Tools) =>
  each(gone, (found) => removeStale(call, found, all, tools))
)

/** The records have everything that is needed. */
export const removeRecorded = Effect.fn("GC.removeRecorded")(
  (switches: Switches, gone: Found, all: Found, variables: Variables) =>
    each(gone, (found) =>
      Effect.catch(
        Effect.flatMap(callFor(found, variables), (call) => removeStale(call, found, all, { switches })),
        (error) => Effect.succeed([error])
      )
    )
)

const callFor = Effect.fnUntraced(function* (found: ObservedAttachment, variables: Variables) {
  const { record } = found
  if (record === undefined) return yield* unreadable(found, "it has no record")
  const { configuration, environment } = yield* Effect.mapError(
    spelledOut(callOfRecord(record, variables)),
    ({ msg }) => unreadable(found, msg)
  )
  return { network: record.network, configuration, environment } satisfies NetworkCall
})

const unreadable = (found: ObservedAttachment, why: string) =>
  CniError.of(
    ErrorCodes.CleanupIncomplete,
    `${nameOf(found)}: the configuration of its ADD cannot be used: ${why}`,
    "Run `userspace gc --by-sandbox --config FILE` with the current configuration of the network."
  )

/** Removes what killed ADDs had written of a record. Safe beside a running ADD, which writes it again. Returns failures. */
export const sweep = Effect.fn("GC.sweep")(function* (network: string, valid: Valid) {
  const { sweep } = yield* Records
  return yield* failuresOf(sweep(valid.map((one) => ({ ...one, network }))))
})

/** Calls GC of the IPAM plugin, whose configuration has the same list. Returns failures. */
export const forward = Effect.fn("GC.forward")(function* (call: NetworkCall) {
  const ipam = yield* Ipam
  const delegate = delegation(call)
  return delegate === undefined ? [] : yield* failuresOf(ipam.gc(delegate))
})

/** Maximum number of listed failures: a fault of the node fails all attachments alike. */
const told = 10

/** Makes one error document of all failures. Code 11 takes precedence. */
const incomplete = (failures: ReadonlyArray<CniError>): CniError => {
  const later = failures.some(({ code }) => code === ErrorCodes.TryAgainLater)
  const several = [...new Set(failures.map(({ msg }) => msg))]
  const more = several.length > told ? [`and ${several.length - told} more`] : []
  return CniError.of(
    later ? ErrorCodes.TryAgainLater : ErrorCodes.CleanupIncomplete,
    `GC is incomplete: ${[...several.slice(0, told), ...more].join("; ")}`,
    [...new Set(failures.map(({ details }) => details))].slice(0, told).join(" ")
  )
}
