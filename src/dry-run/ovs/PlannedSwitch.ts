/**
 * {@link OvsClient} that reads the real switch and records instead of changing it: the same client executes the
 * transactions on a copy of the database in memory. If the switch is unreachable, the copy is an empty switch with
 * DPDK, and the plan says so.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { OvsVhostPort } from "../../cni/network/HostPort.ts"
import * as Daemon from "../../ovs/client/Daemon.ts"
import { type Flows, overSockets } from "../../ovs/client/Flows.ts"
import { changes, type Operation, type Row } from "../../ovs/client/Notation.ts"
import { clientOver, OvsClient, openDatabase, type Transact } from "../../ovs/client/OvsClient.ts"
import { inWords, OvsdbError } from "../../ovs/client/OvsdbError.ts"
import * as OvsdbMessages from "../../ovs/client/OvsdbMessages.ts"
import { serverSocket } from "../../ovs/client/PortPlan.ts"
import { Files } from "../../platform/Files.ts"
import { Sockets } from "../../platform/Sockets.ts"
import type { Overlay } from "../edges/Overlay.ts"
import type { PlanRecorder } from "../plan/Plan.ts"
import { type Database, execute, withRoot } from "./Database.ts"
import { operationLines, vsctlLine } from "./OperationText.ts"
import { snapshot } from "./Snapshot.ts"
import { applied } from "./Vswitchd.ts"

export const make = Effect.fnUntraced(function* (
  verb: string,
  port: OvsVhostPort,
  overlay: Overlay,
  recorder: PlanRecorder
) {
  const peer = port.control
  let database = yield* look(verb, peer, recorder)
  /** Rows that the plan creates, by their UUIDs in the copy. */
  const made = new Map<string, string>()

  const transact: Transact = Effect.fnUntraced(function* (operations) {
    const before = database
    const done = execute(before, operations, () => crypto.randomUUID())
    const results = yield* Effect.mapError(
      Effect.fromResult(OvsdbMessages.judge(operations, done.results)),
      (reason) => new OvsdbError({ peer, operation: "transact", reason })
    )
    if (!changes(operations)) return results
    for (const [index, operation] of operations.entries()) {
      const id = results[index]?.uuid
      if (operation.op === "insert" && id !== undefined) made.set(id, operation["uuid-name"] ?? id)
    }
    database = caughtUp(done.database)
    moveSockets(port, overlay, before, database)
    const names = namesIn(operations, before)
    yield* recorder.record({
      kind: "ovsdb",
      socket: peer,
      operations: operations.map((operation) => withNames(operation, made)),
      text: operationLines(operations, names),
      ovsVsctl: vsctlLine(operations, names)
    })
    return results
  })

  const portWith = (ofport: number) =>
    [...(database.get("Interface") ?? [])].find(([, row]) => row["ofport"] === ofport)?.[1]["name"] ?? ofport
  const ofctl = (bridge: string, what: string) =>
    recorder.record({ kind: "openflow", bridge, ovsOfctl: `ovs-ofctl -O OpenFlow13 ${what}` })
  const hex = (cookie: bigint) => `0x${cookie.toString(16)}`
  const real = overSockets(yield* Sockets, peer)
  const learned = new Set<bigint>()
  const flows: Flows = {
    learn: (bridge, ofport, cookie) =>
      Effect.andThen(
        Effect.sync(() => learned.add(cookie)),
        ofctl(
          bridge,
          `add-flow ${bridge} cookie=${hex(cookie)},priority=1,in_port=${String(portWith(ofport))},actions=NORMAL`
        )
      ),
    forget: (bridge, cookie) => ofctl(bridge, `del-flows ${bridge} cookie=${hex(cookie)}/-1`),
    learns: (bridge, cookie) => (learned.has(cookie) ? Effect.succeed(true) : real.learns(bridge, cookie))
  }
  return OvsClient.of(clientOver(peer, transact, flows))
})

/** Reads the switch as it is, or assumes one. */
const look = Effect.fnUntraced(function* (verb: string, peer: string, recorder: PlanRecorder) {
  const files = yield* Files
  const sockets = yield* Sockets
  const seen = yield* Effect.result(snapshot(peer, yield* openDatabase(peer)))
  if (Result.isFailure(seen)) {
    const { operation, reason } = seen.failure
    const forbidden = reason._tag === "Unreachable" && reason.code === "EACCES"
    if (!forbidden) recorder.obstacles.add(`Open vSwitch: ${operation} on ${peer}: ${inWords(reason)}`)
    recorder.notes.add(
      `Open vSwitch could not be read (${operation} on ${peer}: ${inWords(reason)}). The plan is for an empty switch with DPDK; ` +
        (forbidden ? "run it as root to inspect the real one." : `in this state ${verb} would fail.`)
    )
    return applied(withRoot(crypto.randomUUID(), {}))
  }
  recorder.notes.add(`Open vSwitch was read at ${peer}.`)
  const dead = yield* Daemon.make(files, sockets, peer).silent
  if (dead !== undefined && verb === "ADD") {
    recorder.obstacles.add(dead.answer)
    recorder.notes.add(
      `In this state ADD would wait for ovs-vswitchd, fail and roll back: ${dead.answer}. ${dead.cure}`
    )
  }
  return seen.success
})

/** Returns the state after ovs-vswitchd has applied it. The real one's reports about itself are kept. */
const caughtUp = (database: Database): Database => {
  const next = applied(database)
  const roots = [...(next.get("Open_vSwitch") ?? [])].map(([id, row]): [string, Row] => {
    const { dpdk_initialized = false, iface_types = "" } = database.get("Open_vSwitch")?.get(id) ?? {}
    return [id, { ...row, dpdk_initialized, iface_types }]
  })
  return new Map(next).set("Open_vSwitch", new Map(roots))
}

/** In server mode the switch creates the socket, and removes it with the port. */
const moveSockets = (port: OvsVhostPort, overlay: Overlay, before: Database, after: Database) => {
  const servers = (database: Database) =>
    [...(database.get("Interface")?.values() ?? [])].flatMap(({ name, type }) =>
      type === "dpdkvhostuser" ? [serverSocket(port, String(name))] : []
    )
  const [were, are] = [servers(before), servers(after)]
  for (const path of are) if (!were.includes(path)) overlay.appear(path)
  for (const path of were) if (!are.includes(path)) overlay.vanish(path)
}

const namesIn = (operations: ReadonlyArray<Operation>, before: Database) => (reference: string) => {
  for (const rows of before.values()) {
    const row = rows.get(reference)
    if (row !== undefined) return String(row["name"] ?? "")
  }
  const inserted = operations.find((operation) => operation.op === "insert" && operation["uuid-name"] === reference)
  return inserted?.op === "insert" ? String(inserted.row["name"]) : reference
}

const withNames = (operation: Operation, made: ReadonlyMap<string, string>): unknown =>
  JSON.parse(JSON.stringify(operation), (_, part: unknown) => {
    const name = Array.isArray(part) && part[0] === "uuid" ? made.get(String(part[1])) : undefined
    return name === undefined ? part : ["named-uuid", name]
  })
