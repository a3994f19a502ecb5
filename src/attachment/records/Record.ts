/**
 * The record that an ADD writes before its first change: enough to delete the attachment without its configuration, and
 * to recreate its port after the switch has lost it. One JSON file for each attachment, with a format version, so that
 * plugins of two releases can work on one node. Pure. May contain a memif secret: files are readable by root only. A
 * call does not load this: it uses `RecordGuard.ts`, which `make guards` generates from it.
 *
 * Every later release reads this one's records, and this one reads later ones' (test/attachment/fixtures): keys may be
 * added; none is removed or changes its meaning. A release whose ports cannot be recreated from these keys raises the
 * number.
 */
import * as Schema from "effect/Schema"

const PlaceSchema = Schema.Struct({
  directory: Schema.String,
  socketName: Schema.String,
  socketPath: Schema.String,
  switchPath: Schema.String,
  link: Schema.optional(Schema.String),
  configPath: Schema.String,
  group: Schema.optional(Schema.String),
  volume: Schema.optional(Schema.Literals(["kubelet", "runtime"]))
})

export const Record = Schema.Struct({
  format: Schema.Int,
  network: Schema.String,
  containerId: Schema.String,
  ifName: Schema.String,
  netns: Schema.String,
  pod: Schema.optional(Schema.Struct({ namespace: Schema.String, name: Schema.String, uid: Schema.String })),
  /** UUID of the ADD that wrote it. */
  invocation: Schema.String,
  /** Time of the ADD, ISO 8601, for people. */
  since: Schema.String,
  handle: Schema.String,
  place: PlaceSchema,
  /** Directories that ADD created, so DEL may remove them. */
  made: Schema.Array(Schema.String),
  mac: Schema.String,
  /** Of the switch's end (`netType: interface`); known after IPAM, so only in the record of a completed ADD. */
  addresses: Schema.optional(
    Schema.Array(Schema.Struct({ address: Schema.String, gateway: Schema.optional(Schema.String) }))
  ),
  /** The device whose directory the files are in. Their names are those of every sandbox of the pod. */
  device: Schema.optional(Schema.String),
  /** The device information file that ADD was asked to write. */
  deviceInfo: Schema.optional(Schema.String),
  /** The text of the ADD's configuration. */
  configuration: Schema.String,
  /** CNI_ARGS of the ADD. */
  args: Schema.String
})

export type Record = typeof Record.Type
