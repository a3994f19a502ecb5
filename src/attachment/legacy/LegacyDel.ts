/**
 * The steps of DEL for an attachment of the original plugin or its fork. Every DEL checks for their state file; the
 * rest is loaded if there is one, or no record.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spanned } from "../../program/Trace.ts"
import type { Vswitch, VswitchError } from "../../vswitch/Vswitch.ts"
import type { Call } from "../Call.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import type { LegacyLeft } from "./LegacyAttachments.ts"
import * as StateFiles from "./StateFiles.ts"

/** Evaluated once, before the port is removed. Undefined: the attachment has a record of this plugin. */
export type Left = Effect.Effect<LegacyLeft | undefined, never, Vswitch>

const attachments = Effect.promise(() => import("./LegacyAttachments.ts"))

/** Runs before anything is removed. Returns what it found, and the steps that remove it. */
export const begin = Effect.fnUntraced(function* (call: Call, record: Record | undefined) {
  const { attachment } = call
  const { stateDir } = yield* Records
  const found = yield* Effect.result(StateFiles.find(stateDir, attachment))
  const state = Result.getOrUndefined(found)
  const left: Left = yield* Effect.cached(record === undefined ? leftOf(call, state) : Effect.succeed(undefined))
  /** The last step, because a repeated DEL needs the state file. */
  const forget = Effect.gen(function* () {
    const before = yield* left
    if (before?.isAnothers !== true) {
      yield* spanned(StateFiles.remove(stateDir, attachment), "remove the original's state")
    }
    if (before === undefined) return
    const { removeMounts } = yield* attachments
    yield* spanned(removeMounts(call, before), "remove the original's mount")
  })
  const removePorts = (socketPath: string): Effect.Effect<void, VswitchError, Vswitch> =>
    record === undefined || state !== undefined
      ? Effect.flatMap(attachments, ({ removePorts }) => removePorts(call, state, socketPath))
      : Effect.void
  return {
    /** True: there is certainly no state file. */
    isStateless: Result.isSuccess(found) && state === undefined,
    left,
    removePorts,
    forget
  }
})

const leftOf = Effect.fnUntraced(function* (call: Call, state: StateFiles.State | undefined) {
  const { lookFor } = yield* attachments
  const left = yield* lookFor(call, state)
  if (left.isAnothers) {
    yield* Effect.logWarning(
      "port, socket and state file of this name belong to a container with the same ID prefix: they are kept"
    )
  }
  return left
})
