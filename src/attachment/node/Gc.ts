/**
 * GC: removes stale attachments of a network from this node. Sources are the marks on the switches, the records, and
 * container configs. Continues after failures and reports them together. Touches nothing without the plugin's mark, and
 * nothing of another network. CNI specification 1.1.0, section 2 (GC).
 */
import * as Effect from "effect/Effect"
import { CniError, ErrorCodes, fromExplained } from "../../cni/spec/CniError.ts"
import type { ValidAttachment } from "../../cni/spec/ValidAttachments.ts"
import { keyOf } from "../../identity/Attachment.ts"
import { Ipam } from "../../ipam/Ipam.ts"
import * as LegacyNode from "../../legacy/LegacyNode.ts"
import { baseFor } from "../../shared-dir/SocketPaths.ts"
import { delegation, type NetworkCall } from "../Call.ts"
import type { ObservedAttachment } from "../ObservedAttachment.ts"
import { Records } from "../records/Records.ts"
import { takeInventory } from "./Inventory.ts"
import { removeStale, type Tools } from "./StaleAttachment.ts"
import type { Switches } from "./Switches.ts"

/** Removes every attachment that is not in the runtime's list, then calls GC of the IPAM plugin with the same list. */
export const gc = Effect.fn("GC")(function* (call: NetworkCall, valid: ReadonlyArray<ValidAttachment>, tools: Tools) {
  const { failures, found } = yield* look(call, tools.switches)
  const removals = yield* remove(call, stale(call, found, valid), found, tools)
  const undone = removals.flatMap(({ undone }) => undone)
  const all = [...failures, ...undone, ...(yield* sweep(call, valid)), ...(yield* forward(call))]
  if (all.length > 0) return yield* incomplete(all)
})

/** Lists the attachments of the network, and the sources that were unreachable. Changes nothing. */
export const look = Effect.fn("GC.look")(function* (call: NetworkCall, at: Switches) {
  const { configuration, environment, network } = call
  const { netConf, port } = configuration
  const {
    failures,
    found: ours,
    legacy,
    silent
  } = yield* takeInventory(at, {
    network,
    controls: [port],
    base: baseFor(port, netConf.sharedDir),
    variables: environment.variables
  })
  const found = LegacyNode.merge(ours, yield* LegacyNode.ofNetwork(call, legacy))
  return { found, silent, failures: [...silent.map(({ error }) => error), ...failures].map(fromExplained) }
})

export const stale = (
  { network }: NetworkCall,
  found: ReadonlyArray<ObservedAttachment>,
  valid: ReadonlyArray<ValidAttachment>
): ReadonlyArray<ObservedAttachment> => {
  const alive = keysOf(network, valid)
  return found.filter(({ key }) => !alive.has(key))
}

const keysOf = (network: string, valid: ReadonlyArray<ValidAttachment>): ReadonlySet<string> =>
  new Set(valid.map((one) => keyOf({ ...one, network })))

/** IPAM plugins are processes: a few run concurrently, not hundreds. */
export const atOnce = 4

/** The outcome for one attachment. */
export interface Removal {
  readonly found: ObservedAttachment
  /** What failed; empty: the attachment is removed. */
  readonly undone: ReadonlyArray<CniError>
}

/** `all`: the other attachments, which must not be affected. */
export const remove = Effect.fn("GC.remove")(function* (
  call: NetworkCall,
  gone: ReadonlyArray<ObservedAttachment>,
  all: ReadonlyArray<ObservedAttachment>,
  tools: Tools
) {
  return yield* Effect.forEach(
    gone,
    (found) => Effect.map(removeStale(call, found, all, tools), (undone): Removal => ({ found, undone })),
    { concurrency: atOnce }
  )
})

/** Removes records of killed ADDs that only name their network. Returns failures. */
export const sweep = Effect.fn("GC.sweep")(function* ({ network }: NetworkCall, valid: ReadonlyArray<ValidAttachment>) {
  return yield* sweepBut(network, keysOf(network, valid))
})

/** `network` undefined: of every network. Safe beside a running ADD, which writes its file again. */
export const sweepBut = Effect.fnUntraced(function* (network: string | undefined, but: ReadonlySet<string>) {
  const { sweep } = yield* Records
  return yield* Effect.match(sweep(network, but), {
    onFailure: (error) => [fromExplained(error)],
    onSuccess: () => []
  })
})

/** Calls GC of the IPAM plugin, whose configuration has the same list. Returns failures. */
export const forward = Effect.fn("GC.forward")(function* (call: NetworkCall) {
  const ipam = yield* Ipam
  const delegate = delegation(call)
  const [, failures] = yield* Effect.partition(delegate === undefined ? [] : [delegate], ipam.gc)
  return failures.map(fromExplained)
})

/** Maximum number of listed failures: a fault of the node fails all attachments alike. */
const told = 10

/** Makes one error document of all failures. Code 11 takes precedence. */
export const incomplete = (failures: ReadonlyArray<CniError>): CniError => {
  const later = failures.some(({ code }) => code === ErrorCodes.TryAgainLater)
  const several = [...new Set(failures.map(({ msg }) => msg))]
  const more = several.length > told ? [`and ${several.length - told} more`] : []
  return CniError.of(
    later ? ErrorCodes.TryAgainLater : ErrorCodes.CleanupIncomplete,
    `GC is incomplete: ${[...several.slice(0, told), ...more].join("; ")}`,
    [...new Set(failures.map(({ details }) => details))].slice(0, told).join(" ")
  )
}
