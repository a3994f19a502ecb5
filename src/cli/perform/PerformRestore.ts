/**
 * Runs `userspace restore`, or its dry run, and prints the outcome. Every failure is reported, the last one as the
 * command's.
 */
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { engineFor, onServices } from "../../app/Composition.ts"
import { type NodeRestored, restoreNode } from "../../attachment/node/RestoreNode.ts"
import { type Ambiguous, narrows, type Selector } from "../../attachment/node/Selection.ts"
import type { RecordError } from "../../attachment/records/RecordError.ts"
import { defaultLogOptions } from "../../cni/network/LogOptions.ts"
import { type CniError, type Explained, fromExplained } from "../../cni/spec/CniError.ts"
import { dryRunRestore } from "../../dry-run/RestoreDryRun.ts"
import * as Log from "../../program/Log.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { ambiguous, notFound, type SelectorOptions, selectorFrom } from "../input/Selected.ts"
import { CommandLineError, commandLineErrorText, fromCni } from "../text/CommandLineError.ts"
import {
  damagedJson,
  plannedJson,
  plannedText,
  restoreComplaints,
  restoredJson,
  restoreTable
} from "../text/RestoreText.ts"

interface RestoreOptions extends SelectorOptions {
  readonly stateDir: string
  readonly timeout: Duration.Duration
  readonly dryRun: boolean
  readonly json: boolean
}

export const performRestore = Effect.fnUntraced(function* (options: RestoreOptions) {
  const { style } = yield* InvocationContext
  const selector = yield* selectorFrom(options)
  const { attachments, damaged } = yield* options.dryRun ? plan(options, selector) : make(options, selector)
  if (attachments.length === 0 && narrows(selector)) return yield* notFound(options.stateDir, selector)
  const complaints = [...restoreComplaints(attachments), ...damaged.map(fromDamaged)]
  for (const commandLineError of complaints.slice(0, -1))
    yield* Console.error(commandLineErrorText(commandLineError, style.strong))
  const last = complaints.at(-1)
  if (last !== undefined) return yield* last
})

const make = Effect.fnUntraced(function* ({ json, stateDir, timeout }: RestoreOptions, selector: Selector) {
  const { style, variables } = yield* InvocationContext
  const done = yield* restoreNode({ variables, engine: engineFor, millis: Duration.toMillis(timeout), selector }).pipe(
    Effect.mapError(because("restore")),
    Effect.withTracerEnabled(false),
    onServices(stateDir),
    Effect.provide(Log.layer(defaultLogOptions))
  )
  const { attachments, damaged } = done
  yield* Console.log(
    json
      ? JSON.stringify({ dryRun: false, attachments: attachments.map(restoredJson), damaged: damaged.map(damagedJson) })
      : restoreTable(attachments, { ...style, stateDir, dry: false })
  )
  return done
})

const plan = Effect.fnUntraced(function* ({ json, stateDir }: RestoreOptions, selector: Selector) {
  const { style, variables } = yield* InvocationContext
  const planned = yield* dryRunRestore(stateDir, variables, selector).pipe(
    Effect.mapError(because("dry run of restore"))
  )
  yield* Console.log(
    json ? JSON.stringify(plannedJson(planned)) : plannedText(planned, { ...style, stateDir, dry: true })
  )
  const done: NodeRestored = planned
  return done
})

const because =
  (what: string) =>
  (error: Ambiguous | CniError | RecordError): CommandLineError =>
    error._tag === "Ambiguous"
      ? ambiguous(error)
      : fromCni(what)(error._tag === "RecordError" ? fromExplained(error) : error)

const fromDamaged = ({ code, cure, failed }: Explained) =>
  new CommandLineError({ failed: `cannot restore an attachment (code ${code})`, answer: failed, cure })
