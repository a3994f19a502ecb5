/**
 * {@link Mirrors} on VPP: a span for each direction to an interface of the plugin af_packet on a tap device. Not `pcap
 * trace`, of which VPP has one at a time: it keeps the packets until it ends, does not tell the directions, and has no
 * owner. VPP keeps a span when its source is deleted, and for whatever gets that index next: a span is taken away
 * before either of its ends.
 */
import * as Effect from "effect/Effect"
import { type Attachment, keyOf } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import {
  captured,
  type Devices,
  hasEnded,
  type Lease,
  leaseOf,
  type Mirrored,
  type Mirrors,
  noPort,
  pidOf,
  unready
} from "../vswitch/Mirrors.ts"
import { check } from "./client/RequiredMessages.ts"
import type { Session } from "./client/Session.ts"
import { VppClient } from "./client/VppClient.ts"
import { fromVpp, refusedWith, toError } from "./client/VppError.ts"
import { byIndex, byMark, type Interface } from "./interfaces/Interfaces.ts"
import { selects } from "./interfaces/Mark.ts"
import { every } from "./messages/Control.ts"
import { anyMac } from "./messages/Field.ts"
import {
  adminUp,
  interfaceDump,
  setFlags,
  spanDisabled,
  spanDump,
  spanEnableDisable,
  spanReceived,
  spanSent,
  tagAddDel
} from "./messages/Interface.ts"
import * as Ports from "./messages/Ports.ts"

const because = fromVpp("capture")
/** Captures make, mark and remove their interfaces one after the other. */
const turn = "capture"

/** At the API socket; each piece of work has a session of its own, because there are few. */
export const make = Effect.fnUntraced(function* (path: string) {
  const files = yield* Files
  const sweepIn = (session: Session) => Effect.provideService(sweepOn(session), Files, files)
  const client = yield* VppClient.make(path)
  const alone = <A, E, R>(self: (session: Session) => Effect.Effect<A, E, R>) =>
    Effect.scoped(Effect.flatMap(Effect.tap(client.open, client.alone(turn)), self))

  const begin = Effect.fnUntraced(function* (session: Session, attachment: Attachment, devices: Devices, lease: Lease) {
    yield* check(session, required(session))
    yield* sweepIn(session)
    const key = keyOf(attachment)
    // A DEL that runs may give the index of the port to another.
    yield* client.alone(key)
    const [port] = yield* byMark(session, { key, invocation: undefined })
    if (port === undefined) return yield* toError("capture", noPort)
    const others = (yield* interfaces(session)).flatMap(({ tag }) => fromTag(tag) ?? [])
    const other = others.find((one) => one.key === key)
    if (other !== undefined) return yield* toError("capture", captured(port.interface_name, pidOf(other.lease)))
    const tag = toTag({ key, lease })
    const outbound = yield* host(session, devices.outbound, tag)
    const inbound = yield* host(session, devices.inbound, tag)
    yield* span(session, port.sw_if_index, outbound, spanReceived)
    yield* span(session, port.sw_if_index, inbound, spanSent)
    return port
  })

  const end = (key: string, process: string) =>
    alone((session) =>
      Effect.flatMap(ownOf(session, key, process), (own) => Effect.forEach(own, (one) => remove(session, one)))
    ).pipe(
      Effect.timeout("12 seconds"),
      Effect.catchCause((cause) => Effect.logWarning("could not end the capture on VPP", cause))
    )

  const renew = Effect.fnUntraced(function* (session: Session, key: string, lease: Lease) {
    const own = yield* ownOf(session, key, lease.process)
    for (const { sw_if_index } of own) {
      yield* session.call(tagAddDel, { is_add: true, sw_if_index, tag: toTag({ key, lease }) })
    }
    return own.length > 0
  })

  const there = Effect.fnUntraced(function* (key: string, { sw_if_index }: Interface) {
    const found = yield* byIndex(yield* client.open, sw_if_index)
    return found !== undefined && selects({ key, invocation: undefined }, found.tag)
  }, Effect.scoped)

  const mirrors: Mirrors = {
    seenBy: Effect.succeed(path),
    mirror: Effect.fnUntraced(function* (attachment, devices, lease) {
      const key = keyOf(attachment)
      yield* Effect.addFinalizer(() => end(key, lease.process))
      const port = yield* Effect.uninterruptible(alone((session) => begin(session, attachment, devices, lease)))
      const done: Mirrored = {
        port: port.interface_name,
        lookEvery: "5 seconds",
        renew: (renewed) =>
          Effect.mapError(
            alone((session) => renew(session, key, renewed)),
            because
          ),
        there: Effect.mapError(there(key, port), because)
      }
      return done
    }, Effect.mapError(because)),
    // Usually there is none, and then nobody waits for a turn.
    sweep: Effect.scoped(Effect.flatMap(client.open, interfaces)).pipe(
      Effect.flatMap((some) => (some.length > 0 ? alone(sweepIn) : Effect.succeed([]))),
      Effect.mapError(fromVpp("remove ended captures"))
    )
  }
  return mirrors
})

/** The interfaces of one capture. */
const ownOf = (session: Session, key: string, process: string) =>
  Effect.map(interfaces(session), (all) =>
    all.filter(({ tag }) => {
      const mark = fromTag(tag)
      return mark?.key === key && mark.lease.process === process
    })
  )

const required = (session: Session) => [
  spanEnableDisable,
  spanDump,
  session.offers(Ports.createHostInterfaceV3) ? Ports.createHostInterfaceV3 : Ports.createHostInterface,
  Ports.removeHostInterface,
  tagAddDel,
  setFlags
]

const sweepOn = Effect.fnUntraced(function* (session: Session) {
  const removed: Array<string> = []
  for (const one of yield* interfaces(session)) {
    const mark = fromTag(one.tag)
    if (mark === undefined || (yield* hasEnded(mark.lease))) removed.push(yield* remove(session, one))
  }
  return removed
})

const remove = Effect.fnUntraced(function* (session: Session, { interface_name, sw_if_index }: Interface) {
  yield* unspanTarget(session, sw_if_index)
  yield* session.call(Ports.removeHostInterface, { host_if_name: interface_name.slice(hostPrefix.length) })
  return `interface ${interface_name}`
})

/** On a tap device, marked. */
const host = Effect.fnUntraced(function* (session: Session, device: string, tag: string) {
  const values = { hw_addr: anyMac, use_random_hw_addr: true, host_if_name: device }
  const made = session.offers(Ports.createHostInterfaceV3)
    ? session.call(Ports.createHostInterfaceV3, {
        ...values,
        mode: Ports.ethernetMode,
        rx_frame_size: 0,
        tx_frame_size: 0,
        rx_frames_per_block: 0,
        tx_frames_per_block: 0,
        flags: Ports.qdiscBypass,
        num_rx_queues: 1,
        num_tx_queues: 1
      })
    : session.call(Ports.createHostInterface, values)
  const { sw_if_index } = yield* Effect.mapError(made, (error) => toError("capture", unready(error.message)))
  yield* session.call(tagAddDel, { is_add: true, sw_if_index, tag })
  yield* session.call(setFlags, { sw_if_index, flags: adminUp })
  return sw_if_index
})

/** Anew: what VPP has kept of an earlier port under this index counts as there already, and would change nothing. */
const span = (session: Session, from: number, to: number, state: number) =>
  Effect.andThen(
    unspan(session, from, to),
    session.call(spanEnableDisable, { sw_if_index_from: from, sw_if_index_to: to, state, is_l2: false })
  )

/** The mark of a capture's interface: a tag, of which VPP keeps 63 characters. No attachment's mark is like it. */
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
const hostPrefix = "host-"

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

const unspan = (session: Session, from: number, to: number) =>
  session
    .call(spanEnableDisable, { sw_if_index_from: from, sw_if_index_to: to, state: spanDisabled, is_l2: false })
    .pipe(Effect.catchIf(refusedWith(noInterface), () => Effect.void))

/** Before the port goes, of whose spans these are. Its capture sees that it is gone, and ends. */
export const unspanSource = Effect.fnUntraced(function* (session: Session, own: ReadonlyArray<Span>) {
  const captures = new Set((yield* interfaces(session)).map(({ sw_if_index }) => sw_if_index))
  for (const { sw_if_index_from, sw_if_index_to } of own) {
    if (captures.has(sw_if_index_to)) yield* unspan(session, sw_if_index_from, sw_if_index_to)
  }
})

/** Before a capture's interface goes. */
const unspanTarget = Effect.fnUntraced(function* (session: Session, to: number) {
  for (const one of yield* session.dump(spanDump, { is_l2: false })) {
    if (one.sw_if_index_to === to) yield* unspan(session, one.sw_if_index_from, to)
  }
})
