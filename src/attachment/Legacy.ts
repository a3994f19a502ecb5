/**
 * What the original plugin (intel/userspace-cni-network-plugin) wrote about an attachment, so that a pod attached by it
 * can be deleted by us: `data/local-<id12>-<ifname>.json`, for OVS or for VPP. Pure.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const State = Schema.Struct({
  vhostname: Schema.optionalKey(Schema.String),
  swIfIndex: Schema.optionalKey(Schema.Int)
})

export interface Legacy {
  readonly portName: string | undefined
  /** Never trusted without looking: VPP gives indices again, and the original wrote 0 when it knew none. */
  readonly swIfIndex: number | undefined
}

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(State))

/** A file that cannot be read tells nothing, and is removed all the same. */
export const readLegacy = (text: string): Legacy =>
  Result.match(decode(text), {
    onFailure: () => ({ portName: undefined, swIfIndex: undefined }),
    onSuccess: ({ swIfIndex, vhostname }) => ({ portName: vhostname || undefined, swIfIndex })
  })
