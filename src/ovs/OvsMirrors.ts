/**
 * {@link Mirrors} on Open vSwitch: a Mirror for each direction to a tap device. The DPDK datapath sends to one as to
 * any device of the kernel: the PMD thread of the port's queue makes one call of the system for each batch. The rows of
 * a capture are two ports for tap devices, and a mirror to each. ovs-vswitchd.conf.db(5).
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { type Attachment, keyOf } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import { Sockets } from "../platform/Sockets.ts"
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
import { controlIn } from "./client/Daemon.ts"
import * as Flows from "./client/Flows.ts"
import { openDatabase, type Transact } from "./client/JsonRpc.ts"
import { clientOver, isRaced, orNotCaughtUp } from "./client/OvsClient.ts"
import { fromOvsdb, type OvsdbError, toError } from "./client/OvsdbError.ts"
import {
  map,
  named,
  type Operation,
  optional,
  reference,
  set,
  setOf,
  strings,
  text,
  uuid
} from "./client/OvsdbMessages.ts"
import * as Marks from "./client/PortPlan.ts"
import { type ExternalIds, vlans } from "./client/PortPlan.ts"
import {
  absent,
  Bridge,
  type BridgeRow,
  bump,
  Interface,
  type InterfaceRow,
  insert,
  is,
  marked,
  nameIs,
  Port,
  type PortRow,
  stillHolds,
  table
} from "./client/Transactions.ts"

const because = fromOvsdb("capture")

/** At the database's socket; connects at first use. */
export const make = Effect.fnUntraced(function* (path: string) {
  const files = yield* Files
  const sockets = yield* Sockets
  const ended = (lease: Lease) => Effect.provideService(hasEnded(lease), Files, files)
  const dial = Effect.map(openDatabase(path), (transact) => over(path, transact, sockets))
  const { client, remove, transact } = yield* Effect.provideService(dial, Sockets, sockets)

  const sweep = Effect.gen(function* () {
    const mirrors = yield* client.select(Mirror, [marked(anyCapture)])
    const ports = yield* client.portsMarked(anyCapture)
    const removed: Array<string> = []
    for (const key of new Set([...mirrors, ...ports].map(({ external_ids }) => keyOfMark(external_ids)))) {
      const leases = mirrors.flatMap(({ external_ids }) =>
        keyOfMark(external_ids) === key ? (leaseOfMark(external_ids) ?? []) : []
      )
      const over = yield* Effect.forEach(leases, ended)
      // All of one capture have the same; those without one have lost it.
      if (over.every((one) => one)) removed.push(...(yield* remove(ofKeyed(key))))
    }
    return removed
  })

  const begin = Effect.fnUntraced(function* (attachment: Attachment, devices: Devices, lease: Lease) {
    yield* sweep
    const [port] = yield* client.portsMarked(Marks.selector(attachment))
    const bridge = port === undefined ? undefined : yield* client.bridgeOf(port)
    if (port === undefined || bridge === undefined) return yield* toError("capture", noPort)
    const [other] = yield* client.select(Mirror, [marked(captureOf(attachment))])
    const by = other === undefined ? undefined : leaseOfMark(other.external_ids)
    const others = captured(port.name, by === undefined ? undefined : pidOf(by))
    if (other !== undefined) return yield* toError("capture", others)
    // Between the look and the change another capture has begun, or the port has gone.
    yield* Effect.mapError(transact(addMirrors(attachment, devices, lease, bridge, port)), (error) =>
      isRaced(error) ? toError("capture", others) : error
    )
    yield* orNotCaughtUp("capture")(yield* Effect.flatMap(client.root, client.caughtUp))
    const taps = yield* client.interfacesMarked(captureOf(attachment))
    const failed = taps.find(({ error }) => error !== undefined)
    if (taps.length < 2 || failed !== undefined) return yield* toError("capture", unready(wordsOf(taps)))
    return port
  }, Effect.mapError(because))

  const mirrors: Mirrors = {
    seenBy: Effect.orElseSucceed(controlIn(files, dirname(path)), () => undefined),
    mirror: Effect.fnUntraced(function* (attachment, devices, lease) {
      // A connection of its own: the scope of the other may have closed.
      const taken = Effect.flatMap(dial, (now) => now.remove(portMark(attachment, lease)))
      yield* Effect.addFinalizer(() => end(Effect.provideService(Effect.scoped(taken), Sockets, sockets)))
      const port = yield* Effect.uninterruptible(begin(attachment, devices, lease))
      const there = Effect.map(client.select(Port, [is(port._uuid)]), (rows) => rows.length > 0)
      const done: Mirrored = {
        port: port.name,
        lookEvery: "1 second",
        renew: (renewed) =>
          Effect.mapError(
            Effect.map(transact([renewLease(attachment, renewed)]), ([result]) => (result?.count ?? 0) > 0),
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
const over = (path: string, transact: Transact, sockets: Sockets["Service"]) => {
  const client = clientOver(path, transact, Flows.overSockets(sockets, path))

  const remove = Effect.fnUntraced(function* (ids: Marks.ExternalIds) {
    const mirrors = yield* client.select(Mirror, [marked(ids)])
    const ports = yield* client.portsMarked(ids)
    if (mirrors.length + ports.length === 0) return []
    const uuids = (rows: ReadonlyArray<{ readonly _uuid: string }>) => rows.map(({ _uuid }) => _uuid)
    const bridges = yield* Effect.forEach(ports, client.bridgeOf)
    yield* transact(removeMirrors(uuids(mirrors), uuids(ports)))
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

const Mirror = table("Mirror", (column) => ({
  _uuid: column("_uuid", reference),
  name: column("name", text),
  select_src_port: column("select_src_port", setOf(reference)),
  select_dst_port: column("select_dst_port", setOf(reference)),
  output_port: column("output_port", optional(reference)),
  external_ids: column("external_ids", strings)
}))

/** What a port of a capture has, and what a mirror has beside it. No attachment has them: its marks are others. */
const markKey = "userspace-cni-capture"
const ofKey = "userspace-cni-capture-of"
const processKey = "userspace-cni-capture-process"
const expiresKey = "userspace-cni-capture-expires"

const anyCapture: ExternalIds = { [markKey]: "1" }
const ofKeyed = (key: string): ExternalIds => ({ ...anyCapture, [ofKey]: key })
const captureOf = (attachment: Attachment): ExternalIds => ofKeyed(keyOf(attachment))

/** What this process made. */
const portMark = (attachment: Attachment, { process }: Lease): ExternalIds => ({
  ...captureOf(attachment),
  [processKey]: process
})
const mirrorMark = (attachment: Attachment, lease: Lease): ExternalIds => ({
  ...portMark(attachment, lease),
  [expiresKey]: String(lease.expires)
})

const keyOfMark = (ids: ExternalIds): string => ids[ofKey] ?? ""
const leaseOfMark = (ids: ExternalIds): Lease | undefined => leaseOf(ids[processKey], ids[expiresKey])

/** Ports and mirrors come together: a port that no mirror is for would be sent what is flooded. */
const addMirrors = (
  attachment: Attachment,
  devices: Devices,
  lease: Lease,
  bridge: BridgeRow,
  port: PortRow
): ReadonlyArray<Operation> => {
  const ids = map(portMark(attachment, lease))
  const tap = (name: string, id: string): ReadonlyArray<Operation> => [
    insert(Interface, `${id}_interface`, { name, external_ids: ids }),
    insert(Port, `${id}_port`, { name, interfaces: named(`${id}_interface`), ...vlans(port), external_ids: ids })
  ]
  const mirror = (name: string, id: string, from: "select_src_port" | "select_dst_port"): Operation =>
    insert(Mirror, `${id}_mirror`, {
      name,
      [from]: set([uuid(port._uuid)]),
      output_port: named(`${id}_port`),
      external_ids: map(mirrorMark(attachment, lease))
    })
  return [
    absent(Mirror, marked(captureOf(attachment))),
    absent(Port, nameIs(devices.outbound)),
    absent(Port, nameIs(devices.inbound)),
    stillHolds(bridge, port),
    { op: "comment", comment: `userspace-cni: capture port ${port.name} of ${bridge.name}` },
    ...tap(devices.outbound, "outbound"),
    ...tap(devices.inbound, "inbound"),
    mirror(devices.outbound, "outbound", "select_src_port"),
    mirror(devices.inbound, "inbound", "select_dst_port"),
    {
      op: "mutate",
      table: Bridge.name,
      where: [is(bridge._uuid)],
      mutations: [
        ["ports", "insert", set([named("outbound_port"), named("inbound_port")])],
        ["mirrors", "insert", set([named("outbound_mirror"), named("inbound_mirror")])]
      ]
    },
    bump
  ]
}

/** ovs-vswitchd does not look at these: a lease costs it nothing. */
const renewLease = (attachment: Attachment, { expires }: Lease): Operation => ({
  op: "mutate",
  table: Mirror.name,
  where: [marked(captureOf(attachment))],
  mutations: [
    ["external_ids", "delete", set([expiresKey])],
    ["external_ids", "insert", map({ [expiresKey]: String(expires) })]
  ]
})

/** What is not there is no failure. */
const removeMirrors = (mirrors: ReadonlyArray<string>, ports: ReadonlyArray<string>): ReadonlyArray<Operation> => [
  { op: "comment", comment: "userspace-cni: end a capture" },
  ...mirrors.map((id) => taken("mirrors", id)),
  ...ports.map((id) => taken("ports", id)),
  bump
]

const taken = (column: "mirrors" | "ports", id: string): Operation => ({
  op: "mutate",
  table: Bridge.name,
  where: [[column, "includes", set([uuid(id)])]],
  mutations: [[column, "delete", set([uuid(id)])]]
})
