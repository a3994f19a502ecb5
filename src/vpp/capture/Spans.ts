/**
 * Spans from a port to the interfaces of captures, and the mark of those: a tag, of which VPP keeps 63 characters. No
 * attachment's mark is like it. VPP keeps a span when its source is deleted, and for whatever gets that index next: a
 * span is taken away before either of its ends.
 */
import * as Effect from "effect/Effect"
import { type Lease, leaseOf } from "../../vswitch/Mirrors.ts"
import type { Session } from "../client/Session.ts"
import { every } from "../messages/Control.ts"
import { interfaceDump } from "../messages/Interface.ts"
import { disabled, enableDisable, spanDump } from "../messages/Span.ts"
import { refusedWith } from "../wire/VppError.ts"

interface CaptureTag {
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

/** Of all captures, whatever their lease. */
export const interfaces = (session: Session) =>
  Effect.map(
    session.dump(interfaceDump, { sw_if_index: every, name_filter_valid: true, name_filter: `${hostPrefix}usc` }),
    (found) => found.filter((one) => fromTag(one.tag) !== undefined || unmarked(one))
  )

interface Span {
  readonly sw_if_index_from: number
  readonly sw_if_index_to: number
}

/** `retval` of an index that is none. */
const noInterface = -2

export const unspan = (session: Session, from: number, to: number) =>
  session
    .call(enableDisable, { sw_if_index_from: from, sw_if_index_to: to, state: disabled, is_l2: false })
    .pipe(Effect.catchIf(refusedWith(noInterface), () => Effect.void))

/** Before the port goes, of whose spans these are. Its capture sees that it is gone, and ends. */
export const unspanSource = Effect.fnUntraced(function* (session: Session, own: ReadonlyArray<Span>) {
  const captures = new Set((yield* interfaces(session)).map(({ sw_if_index }) => sw_if_index))
  for (const { sw_if_index_from, sw_if_index_to } of own) {
    if (captures.has(sw_if_index_to)) yield* unspan(session, sw_if_index_from, sw_if_index_to)
  }
})

/** Before a capture's interface goes. */
export const unspanTarget = Effect.fnUntraced(function* (session: Session, to: number) {
  for (const one of yield* session.dump(spanDump, { is_l2: false })) {
    if (one.sw_if_index_to === to) yield* unspan(session, one.sw_if_index_from, to)
  }
})
