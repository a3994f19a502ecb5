/** The layer of {@link Vswitch} for Open vSwitch with DPDK. The checks are in separate files beside this one. */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as Scope from "effect/Scope"
import type { HostPort, OvsVhostPort } from "../cni/network/HostPort.ts"
import { ErrorCodes } from "../cni/spec/CniError.ts"
import { portName } from "../identity/Attachment.ts"
import type { On } from "../platform/Edges.ts"
import { Files } from "../platform/Files.ts"
import { Sockets } from "../platform/Sockets.ts"
import {
  type Difference,
  type LegacyPorts,
  noLegacyPorts,
  type Owned,
  type PortRequest,
  Vswitch,
  type VswitchError
} from "../vswitch/Vswitch.ts"
import * as Daemon from "./client/Daemon.ts"
import * as Marks from "./client/Marks.ts"
import { OvsClient, orNotCaughtUp } from "./client/OvsClient.ts"
import { fromOvsdb, toError } from "./client/PortError.ts"
import { type PortPlan, portPlan } from "./client/PortPlan.ts"
import type { InterfaceRow } from "./client/Tables.ts"
import { plug, type Seen, unplug } from "./ports/Plug.ts"
import { preflight, standingProblem } from "./ports/Preflight.ts"
import * as SocketDirectory from "./ports/SocketDirectory.ts"
import { differences, findings, ovnWarnings, restore } from "./ports/Verify.ts"

/** Ports of the original plugin and its fork, found with the switch's client. */
export type LegacyPortsOf = (client: OvsClient["Service"]) => Effect.Effect<LegacyPorts>

const none: LegacyPortsOf = () => Effect.succeed(noLegacyPorts)

interface Around {
  readonly OvsClient?: On<OvsClient["Service"], Scope.Scope>
  readonly Vswitch?: On<Vswitch["Service"], Scope.Scope>
}

/** Wraps a switch: `control` is the database's socket, the rest wraps its services. */
export const engine = (
  control: string,
  { OvsClient: client = identity, Vswitch: vswitch = identity }: Around,
  legacyPorts: LegacyPortsOf
) =>
  Effect.flatMap(client(OvsClient.make(control)), (own) =>
    vswitch(Effect.provideService(make(legacyPorts), OvsClient, own))
  )

/** Creates a new instance for each client, because two switches must not share a constant layer. */
export const make = Effect.fnUntraced(function* (legacyPorts: LegacyPortsOf = none) {
  const client = yield* OvsClient
  const files = yield* Files
  const sockets = yield* Sockets
  const place = SocketDirectory.make(files, sockets)
  const daemon = Daemon.make(files, sockets, client.peer)
  /**
   * The survey of `preflight`, kept for `plug`, whose transaction verifies it again. The key is the call's attachment,
   * so the survey is dropped with it, with or without a plug.
   */
  const seen: Seen = new WeakMap()
  const plugPort = plug(client, place, seen)
  const restorePort = restore(client, daemon, plugPort)

  const look = Effect.fnUntraced(function* (request: PortRequest) {
    const plan = portPlan(request, yield* ovsPort(request.port))
    const survey = yield* Effect.mapError(client.survey(plan), fromOvsdb(`inspect port ${plan.name}`))
    // The directory of a client-mode socket is not checked: ADD creates it later.
    const problem = preflight(plan, survey) ?? (yield* place.serverProblem(plan))
    if (problem !== undefined) return yield* toError(`plug port ${plan.name} on bridge ${plan.bridge}`, problem)
    yield* warnOfSecond(plan)
    seen.set(request.attachment, { invocation: request.invocation, survey })
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

  const verify = Effect.fnUntraced(
    function* (request: PortRequest) {
      const plan = portPlan(request, yield* ovsPort(request.port))
      const dead = yield* daemon.silent
      const absent = dead === undefined ? yield* daemon.absent : undefined
      const found = yield* Effect.forEach(yield* client.portsMarked(plan.mark), (port) => findings(client, plan, port))
      const stale = yield* place.stale(plan, request.socketPath)
      const restarted = `socket ${request.socketPath} no longer is ovs-vswitchd's ${plan.socket}: ovs-vswitchd was restarted`
      const all: ReadonlyArray<Difference> = [
        ...(dead === undefined ? [] : [{ what: dead.answer, kind: "silent" as const }]),
        ...(absent === undefined ? [] : [{ what: absent.answer, warning: true }]),
        ...(found.length === 0 ? [{ what: `port ${plan.name} is missing`, kind: "missing" as const }] : []),
        ...found.flatMap((one) => [...differences(plan, one), ...ovnWarnings(plan, one)]),
        ...(stale ? [{ what: restarted, kind: "forgotten" as const }] : [])
      ]
      return all
    },
    (verifying, { attachment }) => Effect.mapError(verifying, fromOvsdb(`read port ${portName(attachment)}`))
  )

  const status = Effect.fnUntraced(
    function* (wanted: HostPort) {
      const plan = portPlan(anybody, yield* ovsPort(wanted))
      const survey = yield* client.survey(plan)
      const problem = (yield* daemon.silent) ?? standingProblem(plan, survey)
      if (problem !== undefined) return yield* toError("status", problem)
      yield* orNotCaughtUp("status")(yield* client.caughtUp(survey.root))
    },
    Effect.mapError(fromOvsdb("status"))
  )

  return Vswitch.of({
    preflight: look,
    plug: (request) => Effect.flatMap(ovsPort(request.port), (port) => plugPort(request, port)),
    restore: (request) => Effect.flatMap(ovsPort(request.port), (port) => restorePort(request, port)),
    unplug: unplug(client, place),
    verify,
    list: Effect.fnUntraced(function* (network) {
      const rows = yield* Effect.mapError(client.interfacesMarked(Marks.ofNetwork(network)), fromOvsdb("list ports"))
      const ports = rows.flatMap(owned)
      // The database keeps the last state after ovs-vswitchd has exited.
      const dead = ports.length === 0 ? undefined : yield* daemon.absent
      if (dead === undefined) return ports
      const doubt = toError("list ports", dead)
      return ports.map((port) => ({ ...port, doubt }))
    }),
    status,
    connections: (keys) =>
      Effect.flatMap(
        Effect.promise(() => import("./ports/Connections.ts")),
        ({ connections }) => connections(client, daemon, keys)
      ),
    traffic: Effect.flatMap(
      Effect.promise(() => import("./ports/Traffic.ts")),
      ({ traffic }) => traffic(client, daemon)
    ),
    legacy: legacyPorts(client)
  })
})

/** A request whose name and mark match nothing, to inspect only the switch and the bridge. */
const anybody: Omit<PortRequest, "port"> = {
  attachment: { network: "", containerId: "", ifName: "", netns: "", pod: undefined },
  invocation: "",
  socketPath: "",
  mac: "",
  addresses: []
}

const ovsPort = (port: HostPort): Effect.Effect<OvsVhostPort, VswitchError> =>
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
