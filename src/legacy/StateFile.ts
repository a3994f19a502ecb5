/**
 * What the original plugin (intel/userspace-cni-network-plugin) wrote about an attachment, so that a pod attached by it
 * can be deleted by us: `data/local-<id12>-<ifname>.json`, for OVS or for VPP. Pure.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"

export interface Legacy {
  readonly portName: string | undefined
  /** Never trusted without looking: VPP gives indices again, and the original wrote 0 when it knew none. */
  readonly swIfIndex: number | undefined
}

/** A file that cannot be read tells nothing, and is removed all the same. */
export const readLegacy = (text: string): Legacy => {
  const state = Result.getOrUndefined(Result.try((): unknown => JSON.parse(text)))
  const { swIfIndex, vhostname } = Predicate.isReadonlyObject(state) ? { ...state } : {}
  return {
    portName: Predicate.isString(vhostname) && vhostname !== "" ? vhostname : undefined,
    swIfIndex: typeof swIfIndex === "number" && Number.isSafeInteger(swIfIndex) ? swIfIndex : undefined
  }
}

/** One of them, as far as the name of its file tells: the first twelve characters of the id, and the interface. */
export interface LegacyAttachment extends Legacy {
  readonly containerId: string
  readonly ifName: string
}

export const readLegacyName = (name: string): Pick<LegacyAttachment, "containerId" | "ifName"> | undefined => {
  const [, containerId, ifName] = /^local-(.{12})-(.+)\.json$/.exec(name) ?? []
  return containerId === undefined || ifName === undefined ? undefined : { containerId, ifName }
}
