/**
 * The layer of {@link Vswitch} for Open vSwitch with DPDK: plug and unplug; `OvsInspect.ts` has what only looks. Plug:
 * survey, check, one transaction, wait for ovs-vswitchd, check the outcome. From the moment the transaction may have
 * been committed, any end but success rolls it back.
 */
import { dirname } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { portName } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import { Sockets } from "../platform/Sockets.ts"
import {
  Found,
  type LegacyPorts,
  noLegacyPorts,
  type Plugged,
  type PortRequest,
  type Unplug,
  Vswitch
} from "../vswitch/Vswitch.ts"
import { OvsDeadlines } from "./client/JsonRpc.ts"
import { type Applied, OvsClient, type Survey, tries } from "./client/OvsClient.ts"
import { Contended, flowRefused, fromOvsdb, OvsdbError, type Reason, toError } from "./client/OvsdbError.ts"
import * as Marks from "./client/PortPlan.ts"
import { type PortPlan, portPlan, serverSocket } from "./client/PortPlan.ts"
import * as Transactions from "./client/Transactions.ts"
import { failure, ovsPort, preflight, type SocketDirectory, socketDirectory, vswitchdSilent } from "./OvsPreflight.ts"

/** Ports of the original plugin and its fork, found with the switch's client. */
export type LegacyPortsOf = (client: OvsClient["Service"]) => Effect.Effect<LegacyPorts>

const none: LegacyPortsOf = () => Effect.succeed(noLegacyPorts)

/** A new one for each client, because two switches must not share a constant layer. */
export const layer = (legacyPorts?: LegacyPortsOf) => Layer.effect(Vswitch, make(legacyPorts))

const make = Effect.fnUntraced(function* (legacyPorts: LegacyPortsOf = none) {
  const client = yield* OvsClient
  const files = yield* Files
  const sockets = yield* Sockets
  const place = socketDirectory(files, sockets)
  const plugPort = plug(client, place)
  /** What only looks, and what it restores: no ADD and no DEL needs it. */
  const inspection = Effect.map(
    Effect.promise(() => import("./OvsInspect.ts")),
    ({ inspection }) => inspection(client, files, sockets)
  )

  const inspect = Effect.fnUntraced(function* (request: PortRequest) {
    const plan = portPlan(request, yield* ovsPort(request.port))
    const survey = yield* Effect.mapError(client.survey(plan), fromOvsdb(`inspect port ${plan.name}`))
    // The directory of a client-mode socket is not checked: ADD creates it later.
    const problem = preflight(plan, survey) ?? (yield* place.serverProblem(plan))
    if (problem !== undefined) return yield* toError(`plug port ${plan.name} on bridge ${plan.bridge}`, problem)
    yield* warnOfSecond(plan)
    return new Surveyed(survey)
  })

  /** OVN binds a logical port to one interface of a node. The other gets no packets, and no error is reported. */
  const warnOfSecond = Effect.fnUntraced(function* ({ name, wanted: { ovnPort } }: PortPlan) {
    if (ovnPort === undefined) return
    const rows = yield* Effect.orElseSucceed(client.interfacesMarked({ "iface-id": ovnPort }), () => [])
    const others = rows.filter((row) => row.name !== name).map((row) => row.name)
    if (others.length === 0) return
    yield* Effect.logWarning(
      `port ${others.join(", ")} of this node already has iface-id ${ovnPort}: OVN serves one of them, and the other gets ` +
        "no packets. Give each its own OvnPort."
    )
  })

  return Vswitch.of({
    preflight: inspect,
    plug: plugPort,
    restore: (request) =>
      Effect.flatMap(inspection, ({ restore }) => restore(request, (asked) => plugPort(asked, undefined))),
    unplug: unplug(client, place),
    verify: (request) => Effect.flatMap(inspection, ({ verify }) => verify(request)),
    list: (network) => Effect.flatMap(inspection, ({ list }) => list(network)),
    status: (port) => Effect.flatMap(inspection, ({ status }) => status(port)),
    connections: (keys) => Effect.flatMap(inspection, ({ connections }) => connections(keys)),
    traffic: Effect.flatMap(
      Effect.promise(() => import("./OvsTraffic.ts")),
      ({ traffic }) => traffic(client, files, sockets)
    ),
    legacy: legacyPorts(client)
  })
})

/** Good for one attempt: the transaction verifies it with `wait`. */
class Surveyed extends Found {
  readonly release = Effect.void
  readonly survey: Survey
  constructor(survey: Survey) {
    super()
    this.survey = survey
  }
}

const plug = (client: OvsClient["Service"], place: SocketDirectory) =>
  Effect.fnUntraced(function* (request: PortRequest, found: Found | undefined) {
    const plan = portPlan(request, yield* ovsPort(request.port))
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

    let known = found instanceof Surveyed ? found.survey : undefined
    for (let attempt = 0; attempt < tries; attempt++) {
      const survey = known ?? (yield* Effect.mapError(client.survey(plan), fromOvsdb(operation)))
      known = undefined
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
const unplug = (client: OvsClient["Service"], place: SocketDirectory) =>
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
