/**
 * What an ADD writes down before its first change: enough to delete the attachment with the configuration gone, and to
 * make it again after the switch has forgotten it. One JSON file an attachment, with a format version, so that plugins
 * of two releases can work on one node. Pure. May hold a memif secret: files of it are for root only. A call does not
 * load this: it uses `RecordGuard.ts`, which `make guards` writes from it.
 *
 * Every later release reads this one's records, and this one reads later ones' (test/attachment/fixtures): keys may come,
 * none may go or change its meaning. A release whose ports cannot be made from the keys that are here raises the number.
 */
import * as Schema from "effect/Schema"

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(schema)

const PlaceSchema = Schema.Struct({
  directory: Schema.String,
  socketName: Schema.String,
  socketPath: Schema.String,
  switchPath: Schema.String,
  link: optional(Schema.String),
  configPath: Schema.String,
  group: optional(Schema.String),
  volume: optional(Schema.Literals(["kubelet", "runtime"]))
})

export const Record = Schema.Struct({
  format: Schema.Int,
  network: Schema.String,
  containerId: Schema.String,
  ifName: Schema.String,
  netns: Schema.String,
  pod: optional(Schema.Struct({ namespace: Schema.String, name: Schema.String, uid: Schema.String })),
  /** The ADD that wrote it: a UUID. */
  invocation: Schema.String,
  /** When, ISO 8601, for people. */
  since: Schema.String,
  handle: Schema.String,
  place: PlaceSchema,
  /** Directories that were missing, so ours to remove. */
  made: Schema.Array(Schema.String),
  mac: Schema.String,
  /** Those that the switch's end was made with (`netType: interface`): known after IPAM, so only to an ADD that ended well. */
  addresses: optional(Schema.Array(Schema.Struct({ address: Schema.String, gateway: optional(Schema.String) }))),
  /** The device information file that ADD was asked for. */
  deviceInfo: optional(Schema.String),
  /** The configuration as ADD got it, text. */
  configuration: Schema.String,
  /** CNI_ARGS as ADD got them. */
  args: Schema.String
})

export type Record = typeof Record.Type
