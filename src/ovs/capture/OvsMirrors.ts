/**
 * {@link Mirrors} on Open vSwitch: a Mirror for each direction to a tap device. The DPDK datapath sends to one as to
 * any device of the kernel: the PMD thread of the port's queue makes one call of the system for each batch.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type { Attachment } from "../../identity/Attachment.ts"
import { Files } from "../../platform/Files.ts"
import { Sockets } from "../../platform/Sockets.ts"
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
import { controlIn } from "../client/Daemon.ts"
import * as Flows from "../client/Flows.ts"
import * as Marks from "../client/Marks.ts"
import { over as clientOver, isRaced, orNotCaughtUp } from "../client/OvsClient.ts"
import * as Ovsdb from "../client/Ovsdb.ts"
import { fromOvsdb, toError } from "../client/PortError.ts"
import { type InterfaceRow, Port } from "../client/Tables.ts"
import { is, marked } from "../client/Transactions.ts"
import type { OvsdbError } from "../wire/OvsdbError.ts"
import * as Rows from "./Rows.ts"

const because = fromOvsdb("capture")

/** At the database's socket; connects at first use. */
export const make = Effect.fnUntraced(function* (path: string) {
  const files = yield* Files
  const sockets = yield* Sockets
  const ended = (lease: Lease) => Effect.provideService(hasEnded(lease), Files, files)
  const dial = Effect.map(Ovsdb.make(path), (transact) => over(path, transact, sockets))
  const { client, remove, transact } = yield* Effect.provideService(dial, Sockets, sockets)

  const sweep = Effect.gen(function* () {
    const mirrors = yield* client.select(Rows.Mirror, [marked(Rows.anyCapture)])
    const ports = yield* client.portsMarked(Rows.anyCapture)
    const removed: Array<string> = []
    for (const key of new Set([...mirrors, ...ports].map(({ external_ids }) => Rows.keyOfMark(external_ids)))) {
      const leases = mirrors.flatMap(({ external_ids }) =>
        Rows.keyOfMark(external_ids) === key ? (Rows.leaseOfMark(external_ids) ?? []) : []
      )
      const over = yield* Effect.forEach(leases, ended)
      // All of one capture have the same; those without one have lost it.
      if (over.every((one) => one)) removed.push(...(yield* remove(Rows.ofKeyed(key))))
    }
    return removed
  })

  const begin = Effect.fnUntraced(function* (attachment: Attachment, devices: Devices, lease: Lease) {
    yield* sweep
    const [port] = yield* client.portsMarked(Marks.selector(attachment))
    const bridge = port === undefined ? undefined : yield* client.bridgeOf(port)
    if (port === undefined || bridge === undefined) return yield* toError("capture", noPort)
    const [other] = yield* client.select(Rows.Mirror, [marked(Rows.captureOf(attachment))])
    const by = other === undefined ? undefined : Rows.leaseOfMark(other.external_ids)
    const others = captured(port.name, by === undefined ? undefined : pidOf(by))
    if (other !== undefined) return yield* toError("capture", others)
    // Between the look and the change another capture has begun, or the port has gone.
    yield* Effect.mapError(transact(Rows.add(attachment, devices, lease, bridge, port)), (error) =>
      isRaced(error) ? toError("capture", others) : error
    )
    yield* orNotCaughtUp("capture")(yield* Effect.flatMap(client.root, client.caughtUp))
    const taps = yield* client.interfacesMarked(Rows.captureOf(attachment))
    const failed = taps.find(({ error }) => error !== undefined)
    if (taps.length < 2 || failed !== undefined) return yield* toError("capture", unready(wordsOf(taps)))
    return port
  }, Effect.mapError(because))

  const mirrors: Mirrors = {
    seenBy: Effect.orElseSucceed(controlIn(files, dirname(path)), () => undefined),
    mirror: Effect.fnUntraced(function* (attachment, devices, lease) {
      // A connection of its own: the scope of the other may have closed.
      const taken = Effect.flatMap(dial, (now) => now.remove(Rows.portMark(attachment, lease)))
      yield* Effect.addFinalizer(() => end(Effect.provideService(Effect.scoped(taken), Sockets, sockets)))
      const port = yield* Effect.uninterruptible(begin(attachment, devices, lease))
      const there = Effect.map(client.select(Port, [is(port._uuid)]), (rows) => rows.length > 0)
      const done: Mirrored = {
        port: port.name,
        lookEvery: "1 second",
        renew: (renewed) =>
          Effect.mapError(
            Effect.map(transact([Rows.renew(attachment, renewed)]), ([result]) => (result?.count ?? 0) > 0),
            because
          ),
        there: Effect.mapError(there, because)
      }
      return done
    }),
    sweep: Effect.mapError(sweep, fromOvsdb("remove ended captures"))
  }
  return mirrors
})

/** What is asked over one connection. */
const over = (path: string, transact: Ovsdb.Transact, sockets: Sockets["Service"]) => {
  const client = clientOver(path, transact, Flows.overSockets(sockets, path))

  const remove = Effect.fnUntraced(function* (ids: Marks.ExternalIds) {
    const mirrors = yield* client.select(Rows.Mirror, [marked(ids)])
    const ports = yield* client.portsMarked(ids)
    if (mirrors.length + ports.length === 0) return []
    const uuids = (rows: ReadonlyArray<{ readonly _uuid: string }>) => rows.map(({ _uuid }) => _uuid)
    const bridges = yield* Effect.forEach(ports, client.bridgeOf)
    yield* transact(Rows.remove(uuids(mirrors), uuids(ports)))
    const removed = [...mirrors.map(({ name }) => `mirror ${name}`), ...ports.map(({ name }) => `port ${name}`)]
    // The DEL of the last pod has left it to these ports.
    for (const name of new Set(bridges.flatMap((bridge) => bridge?.name ?? []))) {
      removed.push(...(yield* client.removeIdleBridge(name)))
    }
    return removed
  })

  return { client, remove, transact }
}

const wordsOf = (taps: ReadonlyArray<InterfaceRow>): string =>
  taps.flatMap(({ error, name }) => (error === undefined ? [] : [`${name}: ${error}`])).join("; ") || "they are gone"

/** What stays has our mark, and goes when its lease has ended. */
const end = (self: Effect.Effect<unknown, OvsdbError>) =>
  self.pipe(
    Effect.timeout("12 seconds"),
    Effect.catchCause((cause) => Effect.logWarning("could not end the capture on Open vSwitch", cause))
  )
