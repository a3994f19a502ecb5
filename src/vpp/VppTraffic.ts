/**
 * The counters of all ports with the plugin's mark. They come from the stats segment, because the binary API has none
 * any more, and the command line's (`show interface`) are text for people, which VPP writes while all its workers stop.
 * The API identifies our interfaces, and VPP reuses their indices: no interface may be added or removed between the two
 * reads, which the segment's epoch shows. (Its names do not: it keeps the first name of a vhost-user interface.) Loaded
 * on demand.
 */
import { dirname } from "node:path"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ErrorCodes } from "../cni/types/CniError.ts"
import type { PassedFile, Receive } from "../platform/PassedFile.ts"
import { SocketError, within } from "../platform/Sockets.ts"
import type { PortTraffic } from "../vswitch/Traffic.ts"
import type { PortError } from "../vswitch/Vswitch.ts"
import { check, toList } from "./client/RequiredMessages.ts"
import { type Session, VppDeadlines } from "./client/Session.ts"
import { fromVpp, toError } from "./client/VppError.ts"
import { all, type Interface } from "./interfaces/Interfaces.ts"
import { fromTag } from "./interfaces/Mark.ts"
import { every } from "./messages/Control.ts"
import { linkUp, rxPlacementDump } from "./messages/Interface.ts"

export const ReceiveFile = Context.Reference<Receive>("userspace-cni/ReceiveFile", {
  defaultValue: () => (path) =>
    Effect.tryPromise({
      try: () => import("../platform/bun/libc/BunPassedFile.ts"),
      catch: () => new SocketError({ path, code: "ENOSYS", operation: "read" })
    }).pipe(Effect.flatMap(({ receive }) => receive(path)))
})

export const operation = "read counters"

/** Beside the API's: both are in VPP's `runtime-dir` by default. */
export const socketBeside = (api: string): string => `${dirname(api)}/stats.sock`

interface Ours {
  readonly key: string
  readonly row: Interface
  readonly queues: number | undefined
}

export const traffic = Effect.fnUntraced(function* (session: Session) {
  yield* Effect.mapError(check(session, toList), fromVpp(operation))
  const path = socketBeside(session.peer)
  const receive = yield* ReceiveFile
  const { answer: millis } = yield* VppDeadlines
  const late = toError(operation, silent(path, millis))
  // After the session, which a restart of VPP in between ends.
  const received = yield* receive(path).pipe(
    Effect.mapError((error) => toError(operation, unreachable(error))),
    within({ duration: millis, orElse: () => Effect.fail(late) }),
    Effect.result
  )
  for (let looks = 0; looks < mostLooks; looks++) {
    const since = Result.isSuccess(received) ? yield* looked(path, () => epochOf(received.success)) : undefined
    const rows = yield* Effect.mapError(all(session), fromVpp(operation))
    const marked = rows.flatMap((row) => {
      const mark = fromTag(row.tag)
      return mark === undefined ? [] : [{ key: mark.key, row }]
    })
    if (marked.length === 0) return []
    const queues = yield* Effect.mapError(receiveQueues(session), fromVpp(operation))
    const ours = marked.map((one): Ours => ({ ...one, queues: queues.get(one.row.sw_if_index) }))
    const file = yield* Effect.fromResult(received)
    const found =
      since === undefined
        ? undefined
        : yield* looked(path, () =>
            readSegment(file, [...simple, ...combined], since, (segment) => portTraffic(segment, ours))
          )
    if (found !== undefined) return found
    yield* Effect.sleep(again)
  }
  return yield* late
}, Effect.scoped)

/** By the index of the interface. A memif has some while it is connected, vhost-user always has one. */
const receiveQueues = Effect.fnUntraced(function* (session: Session) {
  const counts = new Map<number, number>()
  if (!session.offers(rxPlacementDump) || !session.offers(rxPlacementDump.details)) return counts
  for (const { sw_if_index } of yield* session.dump(rxPlacementDump, { sw_if_index: every })) {
    counts.set(sw_if_index, (counts.get(sw_if_index) ?? 0) + 1)
  }
  return counts
})

/** Maximum number of reads: interfaces that are added or removed meanwhile require another one. */
const mostLooks = 200
const again = "2 millis"

/** Undefined: VPP has changed it meanwhile. */
const looked = <A>(path: string, look: () => A) =>
  Effect.try({ try: look, catch: (cause) => cause }).pipe(
    Effect.catch((cause) =>
      cause instanceof Busy
        ? Effect.succeed(undefined)
        : Effect.fail(toError(operation, unreadable(path, cause instanceof Unreadable ? cause.detail : String(cause))))
    )
  )

const simple = ["/if/drops", "/if/rx-miss", "/if/rx-no-buf", "/if/rx-error", "/if/tx-error"] as const
const combined = ["/if/rx", "/if/tx"] as const

/** VPP's names are from VPP's view. */
const portTraffic = (segment: Segment, ours: ReadonlyArray<Ours>): ReadonlyArray<PortTraffic> => {
  const [drops, missed, noBuffer, rxError, txError] = simple.map(segment.simple)
  const [rx, tx] = combined.map(segment.combined)
  const way = (of: typeof rx, index: number) => ({ packets: of?.packets(index) ?? 0, bytes: of?.bytes(index) ?? 0 })
  return ours.map(({ key, queues, row }) => {
    const { flags, interface_name: port, link_mtu, mtu, sw_if_index: index } = row
    const connected = (flags & linkUp) !== 0
    return {
      key,
      who: undefined,
      port,
      writtenEvery: undefined,
      receive: { ...way(tx, index), dropped: { "tx-error": txError?.(index) ?? 0 }, errors: 0 },
      transmit: {
        ...way(rx, index),
        dropped: {
          miss: missed?.(index) ?? 0,
          "no-buffers": noBuffer?.(index) ?? 0,
          forwarding: drops?.(index) ?? 0
        },
        errors: rxError?.(index) ?? 0
      },
      retries: undefined,
      connected,
      linkResets: undefined,
      mtu: mtu[0] || link_mtu || undefined,
      queues: connected ? queues : undefined,
      numaNode: undefined
    }
  })
}

const unreachable = ({ code, path }: SocketError): PortError => ({
  code: ErrorCodes.TryAgainLater,
  answer: `cannot read VPP's counters at ${path}: ${code}`,
  cure: `Check that VPP runs, and that ${path} is its stats socket: set statseg { socket-name ${path} } in VPP's startup.conf.`
})

const silent = (path: string, millis: number): PortError => ({
  code: ErrorCodes.TryAgainLater,
  answer: `no counters from ${path} within ${millis} ms`,
  cure: "Try again, and check the log of VPP (`vppctl show log`). It is overloaded, stopped or restarting."
})

const unreadable = (path: string, detail: string): PortError => ({
  code: ErrorCodes.SwitchRefused,
  answer: `what ${path} gives is not the stats segment of a VPP that is known: ${detail}`,
  cure: "Use VPP 21.10 to 26.06, or a newer plugin: this release of VPP is unknown to it."
})

/** VPP is changing the directory: read again. */
export class Busy extends Data.TaggedError("Busy") {}

/** It is not a stats segment, or one of an unknown release. */
export class Unreadable extends Data.TaggedError("Unreadable")<{ readonly detail: string }> {}

/** By the index of the interface, all threads added. */
type Simple = (index: number) => number

/**
 * VPP's stats segment, as its own clients read it: a directory of named vectors in shared memory. VPP's threads count in
 * it without locks, so that reading costs VPP nothing (src/vlib/stats/shared.h; version 2, as in all known releases).
 * Pointers in it are VPP's, relative to `base`. What was read while VPP changed the directory is discarded.
 */
interface Segment {
  /** Packets alone: `/if/rx-miss`. */
  readonly simple: (name: string) => Simple
  /** Packets and bytes: `/if/rx`. */
  readonly combined: (name: string) => { readonly packets: Simple; readonly bytes: Simple }
}

const version = 2
const headerSize = 40
/** enum type, union of a pointer or values, name. */
const entrySize = 144
const nameAt = 16
const entriesAtOnce = 256
/** Maximum number of elements of a valid vector. */
const longest = 1 << 20
const high = 2 ** 32

/**
 * VPP's count of changes of its directory: an interface that is added or removed is several. Throws like {@link
 * readSegment}.
 */
export const epochOf = (file: PassedFile): bigint => look(file).epoch

/** Throws {@link Busy}, also when the epoch changes meanwhile, or {@link Unreadable}. */
export const readSegment = <A>(
  file: PassedFile,
  wanted: ReadonlyArray<string>,
  since: bigint,
  use: (segment: Segment) => A
): A => {
  const bytes = (at: number, length: number) => bytesAt(file, at, length)
  const words = (at: number, count: number) => new BigUint64Array(bytes(at, count * 8).buffer)
  const { base, directory, epoch } = look(file)
  if (epoch !== since) throw new Busy()
  const placeOf = (pointer: bigint): number => Number(pointer - base)

  /** Number of elements of a vector, which VPP stores before the first. */
  const lengthAt = (at: number): number => {
    const [length = 0] = new Uint32Array(bytes(at - 8, 4).buffer)
    if (length > longest) throw new Unreadable({ detail: `a vector at ${at} has ${length} elements` })
    return length
  }
  const pointersAt = (pointer: bigint): ReadonlyArray<number> => {
    if (pointer === 0n) return []
    const at = placeOf(pointer)
    return Array.from(words(at, lengthAt(at)), (one) => placeOf(one))
  }

  const found = find(new Set(wanted), placeOf(directory), lengthAt, bytes)
  /** One for each thread: pairs of low and high halves. */
  const threads = (name: string, each: 1 | 2): ReadonlyArray<Uint32Array> =>
    pointersAt(found.get(name) ?? 0n)
      .filter(isPlace)
      .map((at) => new Uint32Array(bytes(at, lengthAt(at) * each * 8).buffer))
  const counter =
    (all: ReadonlyArray<Uint32Array>, each: 1 | 2, nth: 0 | 1): Simple =>
    (index) => {
      const at = (index * each + nth) * 2
      return all.reduce((sum, one) => sum + (one[at] ?? 0) + (one[at + 1] ?? 0) * high, 0)
    }
  const done = use({
    simple: (name) => counter(threads(name, 1), 1, 0),
    combined: (name) => {
      const all = threads(name, 2)
      return { packets: counter(all, 2, 0), bytes: counter(all, 2, 1) }
    }
  })
  if (look(file).epoch !== since) throw new Busy()
  return done
}

const look = (file: PassedFile) => {
  const header = new BigUint64Array(bytesAt(file, 0, headerSize).buffer)
  const [is = 0n, base = 0n, epoch = 0n, changing = 0n, directory = 0n] = header
  if (is !== BigInt(version)) throw new Unreadable({ detail: `it has version ${is}, not ${version}` })
  if (changing !== 0n) throw new Busy()
  return { base, epoch, directory }
}

const bytesAt = (file: PassedFile, at: number, length: number): Uint8Array => {
  const buffer = new Uint8Array(length)
  if (!isPlace(at) || file.read(at, buffer) !== length) {
    throw new Unreadable({ detail: `there are no ${length} bytes at ${at}` })
  }
  return buffer
}

/** A pointer may be any number: a valid one is not before the segment. */
const isPlace = (at: number): boolean => Number.isSafeInteger(at) && at >= 0

/** The values of the entries with these names. Entries of single interfaces come last, and are thousands. */
const find = (
  wanted: Set<string>,
  at: number,
  lengthAt: (at: number) => number,
  bytes: (at: number, length: number) => Uint8Array
): ReadonlyMap<string, bigint> => {
  const found = new Map<string, bigint>()
  const all = lengthAt(at)
  for (let first = 0; first < all && found.size < wanted.size; first += entriesAtOnce) {
    const count = Math.min(entriesAtOnce, all - first)
    const chunk = Buffer.from(bytes(at + first * entrySize, count * entrySize).buffer)
    for (let entry = 0; entry < chunk.length; entry += entrySize) {
      // Most are of nodes and their errors, and need no string.
      if (chunk[entry + nameAt + 1] !== letter || chunk[entry + nameAt + 2] !== next) continue
      const name = untilNul(chunk.subarray(entry + nameAt, entry + entrySize))
      if (wanted.has(name)) found.set(name, chunk.readBigUInt64LE(entry + 8))
    }
  }
  return found
}

/** The beginning of `/if/`. */
const [letter, next] = [0x69, 0x66]

const untilNul = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0)
  return Buffer.from(bytes.subarray(0, end === -1 ? bytes.length : end)).toString("latin1")
}
