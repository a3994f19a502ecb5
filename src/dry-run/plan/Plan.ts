/**
 * The plan of a call, as data: the shape of `--dry-run --json` (docs/dry-run.md). It has paths, modes, names and rows,
 * but no content of files: records and container configs may contain a memif secret.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CurrentStep } from "../../program/Step.ts"

/** One call of `Files`. Modes are octal digits, as for chmod(1). */
const FileChange = Schema.Struct({
  kind: Schema.Literal("file"),
  do: Schema.Literals([
    "make directory",
    "remove directory",
    "create",
    "rename",
    "link",
    "symlink",
    "remove",
    "set owner and mode"
  ]),
  path: Schema.String,
  /** rename, link, symlink: the source or target of `path`. */
  from: Schema.optionalKey(Schema.String),
  mode: Schema.optionalKey(Schema.String),
  gid: Schema.optionalKey(Schema.Int),
  bytes: Schema.optionalKey(Schema.Int)
})

/** One transaction, complete or not at all. */
const SwitchChange = Schema.Struct({
  kind: Schema.Literal("ovsdb"),
  socket: Schema.String,
  /**
   * RFC 7047, section 5.2. A row that the plan itself creates is referred to by its `uuid-name`, also in the rollback,
   * because its UUID is not known before.
   */
  operations: Schema.Array(Schema.Unknown),
  /** The same for people, one line for each operation. */
  text: Schema.Array(Schema.String),
  ovsVsctl: Schema.String
})

const FlowChange = Schema.Struct({
  kind: Schema.Literal("openflow"),
  bridge: Schema.String,
  ovsOfctl: Schema.String
})

/** One write to VPP, without a request of another client in between. */
const VppChange = Schema.Struct({
  kind: Schema.Literal("vpp"),
  socket: Schema.String,
  calls: Schema.Array(
    Schema.Struct({
      message: Schema.String,
      /**
       * The values that are sent, except that an interface has its name, because its index is not known before, and a
       * secret is omitted.
       */
      arguments: Schema.Record(Schema.String, Schema.Unknown),
      /** VPP's reply if it is not 0: the state is already as requested, or the object is missing. */
      retval: Schema.optionalKey(Schema.Int),
      /** Lines for `vppctl` that do the same. */
      vppctl: Schema.Array(Schema.String)
    })
  )
})
export type VppChange = typeof VppChange.Type

const IpamCall = Schema.Struct({
  kind: Schema.Literal("ipam"),
  plugin: Schema.String,
  verb: Schema.String,
  /** Null: not found along CNI_PATH, so the call would fail there. */
  program: Schema.NullOr(Schema.String)
})

const ProgramCall = Schema.Struct({
  kind: Schema.Literal("program"),
  program: Schema.String,
  args: Schema.Array(Schema.String)
})

/** A write to the API server: only annotations of the pod. */
const ApiRequest = Schema.Struct({
  kind: Schema.Literal("https"),
  method: Schema.String,
  url: Schema.String
})

export const Change = Schema.Union([FileChange, SwitchChange, FlowChange, VppChange, IpamCall, ProgramCall, ApiRequest])
export type Change = typeof Change.Type
export type FileChange = typeof FileChange.Type

const Step = Schema.Struct({
  /** The name in the log: `plug the port`. */
  step: Schema.String,
  changes: Schema.Array(Change),
  /** The rollback when a later step fails, after the rollback of the steps after this one. */
  undo: Schema.Array(Change)
})
export type Step = typeof Step.Type

export const Plan = Schema.Struct({
  dryRun: Schema.Literal(true),
  verb: Schema.Literals(["ADD", "DEL", "CHECK"]),
  network: Schema.String,
  containerId: Schema.String,
  ifName: Schema.String,
  netns: Schema.String,
  /** What was read, and what was assumed because it could not be read. */
  notes: Schema.Array(Schema.String),
  /** Current problems: the call would fail there, although the plan continues. */
  obstacles: Schema.Array(Schema.String),
  warnings: Schema.Array(Schema.String),
  steps: Schema.Array(Step),
  /** What only the real call will know. */
  unknown: Schema.Array(Schema.String),
  /** The document that the call would print, with `unknown` for unknown values. Null: none. */
  result: Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)),
  /** The document that the call would print if it failed where the plan ends. Null: no failure is known. */
  error: Schema.NullOr(Schema.Struct({ code: Schema.Int, msg: Schema.String, details: Schema.String }))
})
export type Plan = typeof Plan.Type

/** A placeholder for what only the real call will know. */
export const unknown = "unknown"

/**
 * Collects the planned operations of the recording layers, each with its step. The programs in `attachment/` declare
 * their steps (`Step.ts`), so they need not know about the dry run. `verb`: the name for changes between two steps. `stopAt`: the change at which the call is stopped as by a signal, so
 * that its rollback is recorded as well.
 */
export const planRecorder = (verb = "call", stopAt?: number) => {
  const changes: Array<{ readonly step: string; readonly undoes: boolean; readonly change: Change }> = []
  return {
    record: Effect.fnUntraced(function* (change: Change) {
      const { name, undoes } = (yield* CurrentStep) ?? { name: verb, undoes: false }
      changes.push({ step: name, undoes, change })
      if (changes.length === stopAt) return yield* Effect.interrupt
    }),
    /** For the reader: what was read, what is assumed. */
    notes: new Set<string>(),
    /** Current problems: the call would fail, although the plan continues. */
    obstacles: new Set<string>(),
    /** What only the real call will know. */
    unknowns: new Set<string>(),
    warnings: new Set<string>(),
    count: () => changes.length,
    steps: (): ReadonlyArray<Step> => {
      const of = (wanted: string, back: boolean) =>
        changes.flatMap(({ change, step, undoes }) => (step === wanted && undoes === back ? [change] : []))
      const names = new Set(changes.map(({ step }) => step))
      return [...names].map((step) => ({ step, changes: of(step, false), undo: of(step, true) }))
    }
  }
}

export type PlanRecorder = ReturnType<typeof planRecorder>
