/**
 * {@link Mirrors} on VPP: a span for each direction to an interface of the plugin af_packet on a tap device. Not `pcap trace`,
 * of which VPP has one at a time: it keeps the packets until it ends, does not tell the directions, and has no owner.
 */
import * as Effect from "effect/Effect"
import { type Attachment, keyOf } from "../../identity/Attachment.ts"
import { Files } from "../../platform/Files.ts"
import {
  captured,
  type Devices,
  hasEnded,
  type Lease,
  type Mirrored,
  type Mirrors,
  noPort,
  pidOf,
  unready
} from "../../vswitch/Mirrors.ts"
import { check } from "../client/RequiredMessages.ts"
import type { Session } from "../client/Session.ts"
import { VppClient } from "../client/VppClient.ts"
import { byIndex, byMark, type Interface } from "../interfaces/Interfaces.ts"
import { selects } from "../interfaces/Mark.ts"
import { fromVpp, toError } from "../interfaces/PortError.ts"
import * as AfPacket from "../messages/AfPacket.ts"
import { adminUp, setFlags, tagAddDel } from "../messages/Interface.ts"
import * as Span from "../messages/Span.ts"
import { anyMac } from "../wire/Address.ts"
import { fromTag, hostPrefix, interfaces, toTag, unspan, unspanTarget } from "./Spans.ts"

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
    yield* span(session, port.sw_if_index, outbound, Span.received)
    yield* span(session, port.sw_if_index, inbound, Span.sent)
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
  Span.enableDisable,
  Span.spanDump,
  session.offers(AfPacket.createV3) ? AfPacket.createV3 : AfPacket.create,
  AfPacket.remove,
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
  yield* session.call(AfPacket.remove, { host_if_name: interface_name.slice(hostPrefix.length) })
  return `interface ${interface_name}`
})

/** On a tap device, marked. */
const host = Effect.fnUntraced(function* (session: Session, device: string, tag: string) {
  const values = { hw_addr: anyMac, use_random_hw_addr: true, host_if_name: device }
  const made = session.offers(AfPacket.createV3)
    ? session.call(AfPacket.createV3, {
        ...values,
        mode: AfPacket.ethernetMode,
        rx_frame_size: 0,
        tx_frame_size: 0,
        rx_frames_per_block: 0,
        tx_frames_per_block: 0,
        flags: AfPacket.qdiscBypass,
        num_rx_queues: 1,
        num_tx_queues: 1
      })
    : session.call(AfPacket.create, values)
  const { sw_if_index } = yield* Effect.mapError(made, (error) => toError("capture", unready(error.message)))
  yield* session.call(tagAddDel, { is_add: true, sw_if_index, tag })
  yield* session.call(setFlags, { sw_if_index, flags: adminUp })
  return sw_if_index
})

/** Anew: what VPP has kept of an earlier port under this index counts as there already, and would change nothing. */
const span = (session: Session, from: number, to: number, state: number) =>
  Effect.andThen(
    unspan(session, from, to),
    session.call(Span.enableDisable, { sw_if_index_from: from, sw_if_index_to: to, state, is_l2: false })
  )
