/**
 * {@link OvsClient} that reads the real switch and records instead of changing it: the same client runs on the rows as
 * the plan leaves them. If the switch is unreachable, an empty one with DPDK is assumed, and the plan says so.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { OvsVhostPort } from "../../cni/network/HostPort.ts"
import * as Daemon from "../../ovs/client/Daemon.ts"
import { type Flows, overSockets } from "../../ovs/client/Flows.ts"
import { openDatabase, type Transact } from "../../ovs/client/JsonRpc.ts"
import { clientOver, OvsClient } from "../../ovs/client/OvsClient.ts"
import { inWords, OvsdbError } from "../../ovs/client/OvsdbError.ts"
import * as OvsdbMessages from "../../ovs/client/OvsdbMessages.ts"
import { changes } from "../../ovs/client/OvsdbMessages.ts"
import { serverSocket } from "../../ovs/client/PortPlan.ts"
import { Interface } from "../../ovs/client/Transactions.ts"
import { Files } from "../../platform/Files.ts"
import { Sockets } from "../../platform/Sockets.ts"
import type { PlannedFiles } from "../edges/PlannedFiles.ts"
import type { PlanRecorder } from "../plan/Plan.ts"
import { operationLines, vsctlLine } from "./OperationText.ts"
import * as PlannedRows from "./PlannedRows.ts"

export const make = Effect.fnUntraced(function* (
  verb: string,
  port: OvsVhostPort,
  planned: PlannedFiles,
  recorder: PlanRecorder
) {
  const peer = port.control
  const rows = PlannedRows.make(yield* look(verb, peer, recorder), ({ name, type }, isNew) => {
    // In server mode the switch creates the socket, and removes it with the port.
    const path = type === "dpdkvhostuser" ? serverSocket(port, String(name)) : undefined
    if (path !== undefined) (isNew ? planned.appear : planned.vanish)(path)
  })

  const transact: Transact = Effect.fnUntraced(function* (operations) {
    const results = yield* Effect.mapError(
      Effect.fromResult(OvsdbMessages.judge(operations, rows.execute(operations))),
      (reason) => new OvsdbError({ peer, operation: "transact", reason })
    )
    if (!changes(operations)) return results
    yield* recorder.record({
      kind: "ovsdb",
      socket: peer,
      operations: operations.map((operation) => PlannedRows.withNames(operation, rows.isMade)),
      text: operationLines(operations, rows.nameOf),
      ovsVsctl: vsctlLine(operations, rows.nameOf)
    })
    return results
  })

  const portWith = (ofport: number) =>
    Effect.map(client.select(Interface, [["ofport", "==", ofport]]), ([row]) => row?.name ?? String(ofport))
  const ofctl = (bridge: string, what: string) =>
    recorder.record({ kind: "openflow", bridge, ovsOfctl: `ovs-ofctl -O OpenFlow13 ${what}` })
  const hex = (cookie: bigint) => `0x${cookie.toString(16)}`
  const real = overSockets(yield* Sockets, peer)
  const learned = new Set<bigint>()
  const flows: Flows = {
    learn: Effect.fnUntraced(function* (bridge, ofport, cookie) {
      learned.add(cookie)
      const flow = `cookie=${hex(cookie)},priority=1,in_port=${yield* portWith(ofport)},actions=NORMAL`
      yield* ofctl(bridge, `add-flow ${bridge} ${flow}`)
    }),
    forget: (bridge, cookie) => ofctl(bridge, `del-flows ${bridge} cookie=${hex(cookie)}/-1`),
    learns: (bridge, cookie) => (learned.has(cookie) ? Effect.succeed(true) : real.learns(bridge, cookie))
  }
  const client = clientOver(peer, transact, flows)
  return OvsClient.of(client)
})

/** Reads the switch as it is, or assumes one. */
const look = Effect.fnUntraced(function* (verb: string, peer: string, recorder: PlanRecorder) {
  const files = yield* Files
  const sockets = yield* Sockets
  const transact = yield* openDatabase(peer)
  const seen = yield* Effect.result(transact(PlannedRows.reads))
  if (Result.isFailure(seen)) {
    const { operation, reason } = seen.failure
    const forbidden = reason._tag === "Unreachable" && reason.code === "EACCES"
    if (!forbidden) recorder.obstacles.add(`Open vSwitch: ${operation} on ${peer}: ${inWords(reason)}`)
    recorder.notes.add(
      `Open vSwitch could not be read (${operation} on ${peer}: ${inWords(reason)}). The plan is for an empty switch with DPDK; ` +
        (forbidden ? "run it as root to inspect the real one." : `in this state ${verb} would fail.`)
    )
    return undefined
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
