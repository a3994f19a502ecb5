/**
 * GC by sandbox for all networks of a node: removes attachments whose network namespace is gone. The records have
 * everything it needs. Attachments without a record are skipped: their sandbox is unknown.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { inWords } from "../../cni/network/SchemaMismatch.ts"
import { CniError, ErrorCodes, fromExplained } from "../../cni/spec/CniError.ts"
import type { Variables } from "../../cni/spec/Environment.ts"
import type { NetworkCall } from "../Call.ts"
import type { ObservedAttachment } from "../ObservedAttachment.ts"
import { callOfRecord } from "../Recorded.ts"
import { atOnce, type Removal } from "./Gc.ts"
import { takeInventory } from "./Inventory.ts"
import { sandboxOf } from "./Listing.ts"
import { nameOf, removeStale, tools } from "./StaleAttachment.ts"
import type { Switches } from "./Switches.ts"

/** Lists all attachments of the node, and the sources that were unreachable. Changes nothing. */
export const lookAll = Effect.fn("GC.lookAll")(function* (switches: Switches, variables: Variables) {
  const { failures, found, legacy, silent } = yield* takeInventory(switches, {
    network: undefined,
    controls: [],
    base: undefined,
    variables
  })
  return {
    found,
    silent,
    // Their marks do not name the network, so a configuration is needed.
    notJudged: legacy.length,
    failures: [...silent.map(({ error }) => error), ...failures].map(fromExplained)
  }
})

/**
 * An attachment that is being added has its sandbox. One without a record is judged by other evidence of its sandbox.
 */
export const withoutSandbox = (found: ReadonlyArray<ObservedAttachment>) =>
  Effect.filter(found, ({ begun, isGone = false, record = begun }) =>
    record === undefined ? Effect.succeed(isGone) : Effect.map(sandboxOf(record.netns), (sandbox) => sandbox === "gone")
  )

export const removeRecorded = Effect.fn("GC.removeRecorded")(function* (
  switches: Switches,
  gone: ReadonlyArray<ObservedAttachment>,
  all: ReadonlyArray<ObservedAttachment>,
  variables: Variables
) {
  return yield* Effect.forEach(
    gone,
    (found) =>
      Effect.gen(function* () {
        const call = Result.getOrElse(callFor(found, variables), (error) => error)
        const undone = call instanceof CniError ? [call] : yield* removeStale(call, found, all, tools(switches))
        const removal: Removal = { found, undone }
        return removal
      }),
    { concurrency: atOnce }
  )
})

const callFor = (found: ObservedAttachment, variables: Variables): Result.Result<NetworkCall, CniError> => {
  const record = found.record ?? found.begun
  if (record === undefined) return Result.fail(unreadable(found, "it has no record"))
  const path = (variables["CNI_PATH"] ?? "").split(":").filter((directory) => directory.startsWith("/"))
  return Result.match(Result.mapError(callOfRecord(record, variables), inWords), {
    onFailure: ({ msg }) => Result.fail(unreadable(found, msg)),
    onSuccess: ({ configuration, environment }) =>
      Result.succeed({ network: record.network, configuration, environment: { ...environment, path } })
  })
}

const unreadable = (found: ObservedAttachment, why: string) =>
  CniError.of(
    ErrorCodes.CleanupIncomplete,
    `${nameOf(found)}: the configuration of its ADD cannot be used: ${why}`,
    "Run `userspace gc --by-sandbox --config FILE` with the current configuration of the network."
  )
