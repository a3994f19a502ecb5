/**
 * Plug and unplug of {@link OvsVswitch}. Plug: survey, check, one transaction, wait for ovs-vswitchd, check the
 * outcome. From the moment the transaction may have been committed, any end but success rolls it back.
 */

import { dirname } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { OvsVhostPort } from "../../cni/network/HostPort.ts"
import { type Attachment, portName } from "../../identity/Attachment.ts"
import type { Plugged, PortRequest, Unplug } from "../../vswitch/Vswitch.ts"
import * as Marks from "../client/Marks.ts"
import { type Applied, type OvsClient, type Survey, tries } from "../client/OvsClient.ts"
import { flowRefused, fromOvsdb, toError } from "../client/PortError.ts"
import { type PortPlan, portPlan, serverSocket } from "../client/PortPlan.ts"
import * as Transactions from "../client/Transactions.ts"
import { OvsDeadlines } from "../wire/JsonRpc.ts"
import { Contended, OvsdbError, type Reason } from "../wire/OvsdbError.ts"
import { failure, preflight, vswitchdSilent } from "./Preflight.ts"
import type { SocketDirectory } from "./SocketDirectory.ts"

/** Surveys, each for one attempt: the transaction verifies them with `wait`. */
export type Seen = WeakMap<Attachment, { readonly invocation: string; readonly survey: Survey }>

export const plug = (client: OvsClient["Service"], place: SocketDirectory, seen: Seen) =>
  Effect.fnUntraced(function* (request: PortRequest, port: OvsVhostPort) {
    const plan = portPlan(request, port)
    const operation = `plug port ${plan.name} on bridge ${plan.bridge}`

    const commit = Effect.fnUntraced(
      function* (survey: Survey) {
        const added = yield* client.addPort(plan, survey)
        if (added === undefined) return undefined
        const applied = yield* client.applied(added)
        if (applied === undefined) {
          return yield* toError(operation, vswitchdSilent(Duration.toMillis((yield* OvsDeadlines).apply)))
        }
        const problem = failure(plan, applied) ?? (yield* place.madeProblem(plan))
        if (problem !== undefined) return yield* toError(operation, problem)
        if (Transactions.needsFlow(plan, survey.bridge) && applied.interface?.ofport !== undefined) {
          yield* client
            .learn(plan.bridge, applied.interface.ofport, plan.cookie)
            .pipe(Effect.mapError(flowRefused(operation, plan.bridge)))
        }
        return plugged(plan, applied)
      },
      Effect.mapError(fromOvsdb(operation))
    )

    const surveyed = ({ attachment, invocation }: PortRequest) => {
      const before = seen.get(attachment)
      seen.delete(attachment)
      return before?.invocation === invocation ? before.survey : undefined
    }

    for (let attempt = 0; attempt < tries; attempt++) {
      const survey = surveyed(request) ?? (yield* Effect.mapError(client.survey(plan), fromOvsdb(operation)))
      const problem =
        preflight(plan, survey) ?? (yield* place.directoryProblem(plan)) ?? (yield* place.serverProblem(plan))
      if (problem !== undefined) return yield* toError(operation, problem)
      // The database has no such port and the name is unique to it, so a killed ovs-vswitchd left a socket there.
      if (plan.type === "dpdkvhostuser") yield* Effect.ignore(place.clear(plan.socket))
      const done = yield* Effect.onError(commit(survey), () => withdraw(client, plan))
      if (done !== undefined) return done
    }
    return yield* fromOvsdb(operation)(
      new OvsdbError({ peer: client.peer, operation: "transact", reason: new Contended({ tries }) })
    )
  })

/**
 * Rolls back what this ADD committed, found by its invocation, at any point of its progress. Never fails, because the
 * original error is the one to report. What cannot be removed has our mark, so the DEL that a runtime sends after a
 * failed ADD finds it.
 */
const withdraw = Effect.fnUntraced(function* (client: OvsClient["Service"], plan: PortPlan) {
  const deadlines = yield* OvsDeadlines
  yield* client.portsMarked(plan.invocationMark).pipe(
    Effect.flatMap(client.removePorts),
    // The server may be restarting, which is why the connection was lost.
    Effect.retry({ while: ({ reason }) => lost.has(reason._tag), schedule: Schedule.spaced("50 millis") }),
    Effect.timeout(deadlines.withdraw),
    Effect.catchCause((cause) => Effect.logWarning(`could not roll back port ${plan.name}`, cause))
  )
})

const lost: ReadonlySet<Reason["_tag"]> = new Set(["Unreachable", "ConnectionLost"])

const plugged = (plan: PortPlan, { interface: row }: Applied): Plugged => ({
  port: plan.name,
  socketAt: plan.type === "dpdkvhostuser" ? plan.socket : undefined,
  // 0 until the container's end has connected.
  mtu: row?.mtu === undefined || row.mtu === 0 ? row?.mtu_request : row.mtu
})

/**
 * By mark only. Does not wait for ovs-vswitchd: removing the last port takes it a second, and a dead one must not block
 * a DEL.
 */
export const unplug = (client: OvsClient["Service"], place: SocketDirectory) =>
  Effect.fnUntraced(
    function* (asked: Unplug) {
      const ports = yield* client.portsMarked(Marks.selector(asked.attachment, asked.invocation))
      const gone = yield* client.removePorts(ports)
      const idle =
        ports.length === 0 && asked.port?.engine === "ovs-dpdk" ? yield* client.removeIdleBridge(asked.port.bridge) : []
      return [...gone, ...idle, ...(yield* leftover(client, place, asked))]
    },
    (unplugging, { attachment }) => Effect.mapError(unplugging, fromOvsdb(`unplug port ${portName(attachment)}`))
  )

/**
 * Removes the socket that a killed ovs-vswitchd left, which would refuse to start a port on it. A live one removes its
 * own.
 */
const leftover = Effect.fnUntraced(function* (
  client: OvsClient["Service"],
  place: SocketDirectory,
  { attachment, port }: Unplug
) {
  if (port !== undefined && (port.engine !== "ovs-dpdk" || port.mode === "client")) return []
  const path = serverSocket(port ?? { ovsSocketDir: dirname(client.peer) }, portName(attachment))
  return yield* place.clear(path).pipe(
    Effect.map((cleared) => (cleared ? [`socket ${path}`] : [])),
    Effect.catch((error) => Effect.as(Effect.logWarning(`left a socket behind: ${error.message}`), []))
  )
})
