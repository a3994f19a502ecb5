/**
 * The counters of all ports with the plugin's mark. They come from the stats segment, because the binary API has none
 * any more, and the command line's (`show interface`) are text for people, which VPP writes while all its workers stop.
 * The API identifies our interfaces, and VPP reuses their indices: no interface may be added or removed between the two
 * reads, which the segment's epoch shows. (Its names do not: it keeps the first name of a vhost-user interface.) Loaded
 * on demand.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ErrorCodes } from "../../cni/spec/CniError.ts"
import type { SocketError } from "../../platform/Sockets.ts"
import { within } from "../../platform/Within.ts"
import type { PortTraffic } from "../../vswitch/Traffic.ts"
import type { PortError } from "../../vswitch/Vswitch.ts"
import { check, toList } from "../client/RequiredMessages.ts"
import { type Session, VppDeadlines } from "../client/Session.ts"
import { all, type Interface } from "../interfaces/Interfaces.ts"
import { fromTag } from "../interfaces/Mark.ts"
import { fromVpp, toError } from "../interfaces/PortError.ts"
import { every } from "../messages/Control.ts"
import { linkUp, rxPlacementDump } from "../messages/Interface.ts"
import { ReceiveFile } from "./ReceiveFile.ts"
import { Busy, epochOf, readSegment, type Segment, Unreadable } from "./Segment.ts"

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
