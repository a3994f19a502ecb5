/**
 * Captures the packets of one attachment: two tap devices, which get copies of what its port sends and receives from the
 * switch, until there are enough, the time is over, nobody reads any more, or the port goes. The mirror has a lease, so that
 * one whose process was killed is removed by whoever looks next: `Sweep.ts`.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ErrorCodes, type Explained } from "../../cni/types/CniError.ts"
import { type Attachment, keyOf } from "../../identity/Attachment.ts"
import { type Tap, type TapError, Taps } from "../../platform/tap/Taps.ts"
import * as Lease from "../../vswitch/Mirrors.ts"
import { captured, type Devices, type Mirrored, type Mirrors, unready } from "../../vswitch/Mirrors.ts"
import type { Filter } from "./Filter.ts"
import * as PcapNg from "./PcapNg.ts"
import type { Sink, SinkError } from "./Sink.ts"

export interface Wanted {
  readonly attachment: Attachment
  readonly about: Omit<PcapNg.About, "name">
  readonly filter: Filter | undefined
  readonly count: number | undefined
  readonly time: Duration.Duration | undefined
  readonly sink: Sink
  /** It has begun, on this port. */
  readonly began: (port: string) => Effect.Effect<void>
}

export interface Counted {
  inbound: number
  outbound: number
  dropped: number
}

/** Why it has ended, but for a signal. */
export type Ending = "count" | "time" | "reader" | "port"

/** Blocked for so long at most: what else this process does, renewals and signals, waits as long. */
const patience = 20
/** Bytes that are written at once, and packets that are read before they are. */
const most = 1 << 18

/** `usc`, and 55 bits of the key: the kernel allows 15 characters. */
export const devicesOf = (attachment: Attachment): Devices => {
  const name = `usc${keyOf(attachment).slice(0, 11)}`
  return { outbound: `${name}o`, inbound: `${name}i` }
}

/** `counted` is kept up to date, for whoever is left with it after an interruption. */
export const capture = Effect.fn("capture")(function* (mirrors: Mirrors, wanted: Wanted, counted: Counted) {
  const taps = yield* Taps
  const { attachment, sink } = wanted
  const seenBy = yield* mirrors.seenBy
  const pid = seenBy === undefined ? undefined : yield* taps.listener(seenBy)
  const devices = devicesOf(attachment)
  const opened = yield* Effect.mapError(taps.open([devices.outbound, devices.inbound], pid), (error) =>
    fromTap(error, attachment.ifName)
  )
  const lease = yield* Lease.own
  const mirrored = yield* mirrors.mirror(attachment, devices, lease)
  const clock = yield* Clock.Clock
  const micros = () => clock.currentTimeNanosUnsafe() / 1_000n
  const begun = micros()
  yield* sink.write(PcapNg.header({ ...wanted.about, name: attachment.ifName }))
  yield* wanted.began(mirrored.port)
  const watched = yield* Effect.forkScoped(watch(mirrored, lease))
  const end = wanted.time === undefined ? undefined : begun + BigInt(Duration.toMillis(wanted.time)) * 1_000n
  const drops = () => {
    counted.dropped = opened.reduce((sum, one) => sum + one.dropped(), 0)
  }
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      drops()
      const received = counted.inbound + counted.outbound
      return Effect.ignore(
        sink.write(PcapNg.statistics({ began: begun, ended: micros(), received, dropped: counted.dropped }))
      )
    })
  )
  const loop = Effect.gen(function* (): Effect.fn.Return<Ending, SinkError> {
    while (true) {
      const isRead = taps.wait(opened, sink.descriptor, patience)
      const { full, blocks } = drained(opened, wanted, counted, micros)
      if (blocks.length > 0) yield* sink.write(Buffer.concat(blocks))
      if (full) return "count"
      if (!isRead) return "reader"
      if (end !== undefined && micros() >= end) return "time"
      yield* others
    }
  })
  return yield* Effect.raceFirst(
    Effect.mapError(loop, (error): Explained | SinkError => error),
    Fiber.join(watched)
  )
  // Its own: what the switch is asked by outlives it.
}, Effect.scoped)

/** The event loop has a turn: connections, timers, signals. */
const others = Effect.callback<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})

/** One of each in turn, so that the order of a question and its answer stays. */
const drained = (
  [outbound, inbound]: ReadonlyArray<Tap>,
  { count, filter }: Wanted,
  counted: Counted,
  micros: () => bigint
): { readonly blocks: ReadonlyArray<Uint8Array>; readonly full: boolean } => {
  const blocks: Array<Uint8Array> = []
  let size = 0
  const isFull = () => count !== undefined && counted.inbound + counted.outbound >= count
  const take = (tap: Tap | undefined, direction: PcapNg.Direction): boolean => {
    const frame = isFull() ? undefined : tap?.read()
    if (frame === undefined) return false
    if (filter === undefined || filter(frame)) {
      const block = PcapNg.packet({ direction, frame, micros: micros() })
      blocks.push(block)
      size += block.length
      counted[direction]++
    }
    return true
  }
  for (let reads = 0; reads < most / 64 && size < most; reads++) {
    const some = take(outbound, "outbound")
    if (!take(inbound, "inbound") && !some) break
  }
  return { blocks, full: isFull() }
}

/** Renews the lease, and looks whether the port is there. A switch that does not answer is asked again until the lease has ended. */
const watch = Effect.fnUntraced(function* (
  mirrored: Mirrored,
  first: Lease.Lease
): Effect.fn.Return<Ending, Explained> {
  let last = yield* Clock.currentTimeMillis
  while (true) {
    yield* Effect.sleep(mirrored.lookEvery)
    const now = yield* Clock.currentTimeMillis
    const due = now - last >= Lease.renewEvery * 1_000
    const asked = yield* Effect.result(
      due
        ? Effect.flatMap(Lease.renewed(first), (lease) =>
            Effect.flatMap(mirrored.renew(lease), (there) => (there ? mirrored.there : Effect.succeed(false)))
          )
        : mirrored.there
    )
    if (asked._tag === "Failure") {
      if (now - last > Lease.lasts * 1_000) return yield* Effect.fail<Explained>(asked.failure)
      continue
    }
    if (!asked.success) return "port"
    if (due) last = now
  }
})

/** A device of its name is there as long as its process is. */
const fromTap = ({ code, message }: TapError, ifName: string): Explained => {
  const { answer, code: already, cure } = captured(`of ${ifName}`, undefined)
  if (code === "EBUSY") return { code: already, failed: answer, cure }
  return {
    code: ErrorCodes.IoFailure,
    failed: `cannot ${message}`,
    cure:
      code === "ENOENT" || code === "ENODEV"
        ? "Load the kernel's module tun (`modprobe tun`), and check that /dev/net/tun is there."
        : unready("").cure
  }
}
