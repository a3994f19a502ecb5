/**
 * The plan of a call, as data: the shape of `--dry-run --json` (docs/dry-run.md). Has paths, modes, names and rows, but
 * no content of files: records and container configs may contain a memif secret.
 */
import * as Schema from "effect/Schema"

/** One call to the file system, in the words of `Files`. Modes in octal digits, as chmod(1) takes them. */
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
  /** rename, link, symlink: what `path` is made from, or leads to. */
  from: Schema.optionalKey(Schema.String),
  mode: Schema.optionalKey(Schema.String),
  gid: Schema.optionalKey(Schema.Int),
  bytes: Schema.optionalKey(Schema.Int)
})

/** One transaction, all of it or nothing. */
const SwitchChange = Schema.Struct({
  kind: Schema.Literal("ovsdb"),
  socket: Schema.String,
  /**
   * RFC 7047, section 5.2. A row that the plan itself makes is referred to by its `uuid-name`, also in the undo: its UUID
   * is not known before.
   */
  operations: Schema.Array(Schema.Unknown),
  /** The same for people, one line an operation. */
  text: Schema.Array(Schema.String),
  ovsVsctl: Schema.String
})

const FlowChange = Schema.Struct({
  kind: Schema.Literal("openflow"),
  bridge: Schema.String,
  ovsOfctl: Schema.String
})

/** `program` null: not found along CNI_PATH, so the call would fail there. */
/** One write to VPP: nothing of another client comes in between. */
const VppChange = Schema.Struct({
  kind: Schema.Literal("vpp"),
  socket: Schema.String,
  calls: Schema.Array(
    Schema.Struct({
      message: Schema.String,
      /** As they are sent, but: an interface by its name, because its index is not known before; no secret. */
      arguments: Schema.Record(Schema.String, Schema.Unknown),
      /** What VPP would answer when that is not 0: what is asked for is so already, or is not there. */
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
  program: Schema.NullOr(Schema.String)
})

const ProgramCall = Schema.Struct({
  kind: Schema.Literal("program"),
  program: Schema.String,
  args: Schema.Array(Schema.String)
})

/** A write to the API server: the annotations of the pod, and nothing else of it. */
const ApiRequest = Schema.Struct({
  kind: Schema.Literal("https"),
  method: Schema.String,
  url: Schema.String
})

export const Change = Schema.Union([FileChange, SwitchChange, FlowChange, VppChange, IpamCall, ProgramCall, ApiRequest])
export type Change = typeof Change.Type
export type FileChange = typeof FileChange.Type

const Step = Schema.Struct({
  /** As in the log: `plug the port`. */
  step: Schema.String,
  changes: Schema.Array(Change),
  /** What is done when a later step fails, after the undo of the steps behind this one. */
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
  /** What was looked at, and what had to be assumed because it could not be. */
  notes: Schema.Array(Schema.String),
  /** What is in the way as things are: the call would fail there, although the plan goes on. */
  obstacles: Schema.Array(Schema.String),
  warnings: Schema.Array(Schema.String),
  steps: Schema.Array(Step),
  /** What only the real call will know. */
  unknown: Schema.Array(Schema.String),
  /** The document that the call would print, with `unknown` in the place of what is. Null: none. */
  result: Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)),
  /** The document that the call would print if it failed where the plan ends. Null: nothing is known to stop it. */
  error: Schema.NullOr(Schema.Struct({ code: Schema.Int, msg: Schema.String, details: Schema.String }))
})
export type Plan = typeof Plan.Type

/** Stands for what only the real call will know. */
export const unknown = "unknown"
