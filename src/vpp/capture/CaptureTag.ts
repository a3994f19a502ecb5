/** The mark of a capture's interface: a tag, of which VPP keeps 63 characters. No attachment's mark is like it. Pure. */
import { type Lease, leaseOf } from "../../vswitch/Lease.ts"

export interface CaptureTag {
  /** `keyOf` the attachment. */
  readonly key: string
  readonly lease: Lease
}

/** `usp-capture/<key>/<process>/<expires>`: 12 + 20 + 21 + 7 characters and two slashes. */
export const toTag = ({ key, lease: { expires, process } }: CaptureTag): string =>
  `usp-capture/${key}/${process}/${expires.toString(36)}`

const form = /^usp-capture\/([a-z2-7]{20})\/([0-9a-z.]+)\/([0-9a-z]{1,8})$/

/** Undefined: no capture's. */
export const fromTag = (tag: string): CaptureTag | undefined => {
  const [, key, process, expires = ""] = form.exec(tag) ?? []
  const lease = leaseOf(process, String(Number.parseInt(expires, 36)))
  return key === undefined || lease === undefined ? undefined : { key, lease }
}

/** As VPP names the interface of a device. */
export const hostPrefix = "host-"

/** One that has no tag: a capture that was killed made it. Captures make and mark theirs one after the other. */
export const unmarked = ({ interface_name, tag }: { readonly interface_name: string; readonly tag: string }): boolean =>
  tag === "" && /^host-usc[a-z2-7]{11}[oi]$/.test(interface_name)
