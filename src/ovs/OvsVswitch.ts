/** The layer of {@link Vswitch} for Open vSwitch with DPDK. The judgements are in files of their own beside this one. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import type { OvsVhostPort } from "../cni/HostPort.ts"
import { Files } from "../platform/Files.ts"
import { Sockets } from "../platform/Sockets.ts"
import { type Difference, type Owned, type PortRequest, Vswitch } from "../vswitch/Vswitch.ts"
import type { VswitchError } from "../vswitch/VswitchError.ts"
import * as Daemon from "./Daemon.ts"
import * as Marks from "./Marks.ts"
import { OvsClient, type Survey } from "./OvsClient.ts"
import { OvsDeadlines } from "./OvsDeadlines.ts"
import { plug } from "./Plug.ts"
import { type PortPlan, portPlan } from "./PortPlan.ts"
import { dpdkProblem, preflight } from "./Preflight.ts"
import { fromOvsdb, toError } from "./Refusal.ts"
import * as SocketPlace from "./SocketPlace.ts"
import type { InterfaceRow, PortRow } from "./Tables.ts"
import { needsFlow } from "./Transactions.ts"
import { unplug } from "./Unplug.ts"
import { differences } from "./Verify.ts"

const make = Effect.gen(function* () {
  const client = yield* OvsClient
  const files = yield* Files
  const sockets = yield* Sockets
  const place = SocketPlace.make(files, sockets)
  const daemon = Daemon.make(files, sockets, client.peer)
  /** What `preflight` saw: the transaction of `plug` checks it again, so it need not be asked for twice. */
  const seen = new Map<string, Survey>()
  const plugPort = plug(client, place, seen)

  const look = Effect.fn("OvsVswitch.preflight")(function* (request: PortRequest) {
    const plan = portPlan(request, yield* ovsPort(request))
    const survey = yield* Effect.mapError(client.survey(plan), fromOvsdb(`look at port ${plan.name}`))
    // The directory of a client's socket is not judged: ADD makes it after this.
    const problem = preflight(plan, survey) ?? (yield* place.serverProblem(plan))
    if (problem !== undefined) return yield* toError(`plug port ${plan.name} on bridge ${plan.bridge}`, problem)
    seen.set(request.invocation, survey)
  })

  const verify = Effect.fn("OvsVswitch.verify")(function* (request: PortRequest) {
    const plan = portPlan(request, yield* ovsPort(request))
    const failed = fromOvsdb(`read port ${plan.name}`)
    const dead = yield* daemon
    const ports = yield* Effect.mapError(client.portsMarked(plan.mark), failed)
    const found = yield* Effect.forEach(ports, (port) => Effect.mapError(findings(client, plan, port), failed))
    const all: ReadonlyArray<Difference> = [
      ...(dead === undefined ? [] : [{ what: dead.answer }]),
      ...(found.length === 0 ? [{ what: `port ${plan.name} is missing` }] : []),
      ...found.flatMap((one) => differences(plan, one)),
      ...((yield* place.stale(plan, request.socketPath))
        ? [{ what: `socket ${request.socketPath} is not ovs-vswitchd's own ${plan.socket} any more: it was restarted` }]
        : [])
    ]
    return all
  })

  const status = Effect.gen(function* () {
    const failed = fromOvsdb("status")
    const root = yield* Effect.mapError(client.root, failed)
    const problem = (yield* daemon) ?? dpdkProblem(root)
    if (problem !== undefined) return yield* toError("status", problem)
    if ((yield* Effect.mapError(client.caughtUp(root), failed)) === undefined) {
      const millis = Duration.toMillis((yield* OvsDeadlines).settle)
      return yield* toError("status", {
        code: ErrorCodes.TryAgainLater,
        answer: `ovs-vswitchd has not caught up with the database within ${millis} ms (cur_cfg, next_cfg)`,
        cure: "Is ovs-vswitchd running on this node? Its log says what it is busy with."
      })
    }
  }).pipe(Effect.withSpan("OvsVswitch.status"))

  return Vswitch.of({
    preflight: look,
    plug: (request) => Effect.flatMap(ovsPort(request), (port) => plugPort(request, port)),
    unplug: unplug(client, place),
    verify,
    list: Effect.fn("OvsVswitch.list")(function* (network) {
      const rows = yield* Effect.mapError(client.interfacesMarked(Marks.ofNetwork(network)), fromOvsdb("list ports"))
      return rows.flatMap(owned)
    }),
    status
  })
})

export const layer: Layer.Layer<Vswitch, never, OvsClient | Files | Sockets> = Layer.effect(Vswitch, make)

const findings = Effect.fnUntraced(function* (client: OvsClient["Service"], plan: PortPlan, port: PortRow) {
  const bridge = yield* client.bridgeOf(port)
  const [row] = yield* client.interfacesOf(port)
  // A table that cannot be asked is that of a dead ovs-vswitchd: no flow there either.
  const learns = needsFlow(plan, bridge)
    ? yield* Effect.catch(client.learns(plan.bridge, plan.cookie), () => Effect.succeed(false))
    : true
  return { port, bridge, interface: row, learns }
})

const ovsPort = ({ port }: PortRequest): Effect.Effect<OvsVhostPort, VswitchError> =>
  port.engine === "ovs-dpdk"
    ? Effect.succeed(port)
    : Effect.fail(
        toError("plug", {
          code: ErrorCodes.InvalidConfiguration,
          answer: `the port is for engine ${port.engine}`,
          cure: "Set host.engine to ovs-dpdk."
        })
      )

const owned = (row: InterfaceRow): ReadonlyArray<Owned> => {
  const owner = Marks.ownerOf(row.external_ids)
  return owner === undefined
    ? []
    : [{ ...owner, port: row.name, state: row.error ?? row.status["status"] ?? row.link_state ?? "unknown" }]
}
