/** Records of attachments that tests invent. */
import { Effect } from "effect"
import type { Record } from "../../../src/attachment/records/Record.ts"
import { Records } from "../../../src/attachment/records/Records.ts"
import type { Attachment } from "../../../src/identity/Attachment.ts"
import { placeIn } from "../../shared-dir/support/SharedDirSite.ts"
import type { FilesUnderTest } from "../../suites/FilesSite.ts"

/** The subject of the suites of `Records`. */
export type RecordsUnderTest = Records | FilesUnderTest

export const attachment = (more: Partial<Attachment> = {}): Attachment => ({
  network: "net",
  containerId: "0958c8871b32cafe",
  ifName: "net1",
  netns: "/n/a",
  pod: undefined,
  ...more
})

export const recordOf =
  (of: Attachment, invocation: string) =>
  (handle: string): Record => {
    const { group: _g, link: _l, volume: _v, ...place } = placeIn("/b", of)
    return {
      format: 1,
      network: of.network,
      containerId: of.containerId,
      ifName: of.ifName,
      netns: of.netns,
      invocation,
      since: "2026-01-01T00:00:00.000Z",
      handle,
      place,
      made: [],
      mac: "02:00:00:00:00:01",
      configuration: "{}",
      args: ""
    }
  }

export const claim = (of: Attachment, invocation = "one") =>
  Effect.flatMap(Records, (records) => records.claim(of, recordOf(of, invocation)))
export const find = (of: Attachment) => Effect.flatMap(Records, (records) => records.find(of))
export const all = Effect.flatMap(Records, (records) => records.all)
export const remove = (of: Attachment, invocation?: string) =>
  Effect.flatMap(Records, (records) => records.remove(of, invocation))
