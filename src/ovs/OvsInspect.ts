/**
 * What only looks at the ports of an Open vSwitch: `verify` compares one with the request of its ADD, `list`, `status`
 * and `connections`. And `restore`, which makes again what ovs-vswitchd or the database has lost of one: an existing
 * row is not changed, and differences from the record are reported. Loaded on demand.
 */
import * as Effect from "effect/Effect"
import type { HostPort } from "../cni/network/HostPort.ts"
import { ErrorCodes } from "../cni/types/CniError.ts"
import { portName, portNameOf } from "../identity/Attachment.ts"
import type { Files } from "../platform/Files.ts"
import type { Sockets } from "../platform/Sockets.ts"
import type { Connection, Difference, Owned, Plugged, PortRequest, Restored, VswitchError } from "../vswitch/Vswitch.ts"
import * as Daemon from "./client/Daemon.ts"
import { type OvsClient, orNotCaughtUp } from "./client/OvsClient.ts"
import { flowRefused, fromOvsdb, toError } from "./client/OvsdbError.ts"
import { optional, text } from "./client/OvsdbMessages.ts"
import * as Marks from "./client/PortPlan.ts"
import { type PortPlan, portPlan } from "./client/PortPlan.ts"
import { type BridgeRow, type InterfaceRow, marked, needsFlow, type PortRow, table } from "./client/Transactions.ts"
import { ovsPort, socketDirectory, standingProblem } from "./OvsPreflight.ts"

/** Made when it is first needed, on the client of one switch. */
export const inspection = (client: OvsClient["Service"], files: Files["Service"], sockets: Sockets["Service"]) => {
  const place = socketDirectory(files, sockets)
  const daemon = Daemon.make(files, sockets, client.peer)

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
        ...(absent === undefined ? [] : [{ what: absent.answer, kind: "silent" as const, warning: true }]),
        ...(found.length === 0 ? [{ what: `port ${plan.name} is missing`, kind: "missing" as const }] : []),
        ...found.flatMap((one) => [...differences(plan, one), ...ovnWarnings(plan, one)]),
        ...(stale ? [{ what: restarted, kind: "forgotten" as const }] : [])
      ]
      return all
    },
    (verifying, { attachment }) => Effect.mapError(verifying, fromOvsdb(`read port ${portName(attachment)}`))
  )

  /**
   * The database is persistent, so a port is only missing after it was emptied. ovs-vswitchd loses the flow of a port
   * on a bridge in fail_mode secure when it exits.
   */
  const restore = Effect.fn("OvsVswitch.restore")(function* (
    request: PortRequest,
    plug: (request: PortRequest) => Effect.Effect<Plugged, VswitchError>
  ): Effect.fn.Return<Restored, VswitchError> {
    const plan = portPlan(request, yield* ovsPort(request.port))
    const operation = `restore port ${plan.name}`
    const failed = fromOvsdb(operation)
    const dead = yield* daemon.silent
    if (dead !== undefined) return yield* toError(operation, dead)
    const [there] = yield* Effect.mapError(client.portsMarked(plan.mark), failed)
    if (there === undefined) {
      const { port: name, socketAt } = yield* plug(request)
      return { port: name, socketAt, made: [`port ${name}`] }
    }
    // A starting ovs-vswitchd has created neither sockets nor port numbers.
    const caughtUp = yield* Effect.mapError(Effect.flatMap(client.root, client.caughtUp), failed)
    yield* orNotCaughtUp(operation)(caughtUp)
    const found = yield* Effect.mapError(findings(client, plan, there), failed)
    const learned = yield* relearn(client, plan, there, found)
    const wrong = differences(plan, { ...found, learns: found.learns || learned })
    if (wrong.length > 0) {
      return yield* toError(operation, {
        code: ErrorCodes.SwitchRefused,
        answer: `different from the record: ${wrong.map(({ what }) => what).join("; ")}`,
        cure: "Correct it with ovs-vsctl, or delete the pod so that it is recreated. The port was not changed."
      })
    }
    return {
      port: there.name,
      socketAt: plan.type === "dpdkvhostuser" ? plan.socket : undefined,
      made: learned ? [`flow of port ${there.name}`] : []
    }
  })

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

  const list = Effect.fnUntraced(function* (network: string | undefined) {
    const rows = yield* Effect.mapError(client.interfacesMarked(Marks.ofNetwork(network)), fromOvsdb("list ports"))
    const ports = rows.flatMap(owned)
    // The database keeps the last state after ovs-vswitchd has exited.
    const dead = ports.length === 0 ? undefined : yield* daemon.absent
    if (dead === undefined) return ports
    const doubt = toError("list ports", dead)
    return ports.map((port) => ({ ...port, doubt }))
  })

  /** Of two columns: with 500 ports `status` and the mark would cost three times as much. The name has the key. */
  const connections = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
    const operation = "read connections"
    const rows = yield* Effect.mapError(client.select(Link, [marked(Marks.ofNetwork(undefined))]), fromOvsdb(operation))
    const dead = rows.length === 0 ? undefined : yield* daemon.absent
    if (dead !== undefined) return yield* toError(operation, dead)
    const byName = new Map(rows.map(({ link_state, name }) => [name, link_state === "up"] as const))
    const found = new Map<string, Connection>()
    for (const key of keys) {
      const port = portNameOf(key)
      const connected = byName.get(port)
      if (connected !== undefined) found.set(key, { port, connected })
    }
    return found
  })

  return { verify, restore, status, list, connections }
}

/** A request whose name and mark match nothing, to inspect only the switch and the bridge. */
const anybody: Omit<PortRequest, "port"> = {
  attachment: { network: "", containerId: "", ifName: "", netns: "", pod: undefined },
  invocation: "",
  socketPath: "",
  mac: "",
  addresses: []
}

const owned = (row: InterfaceRow): ReadonlyArray<Owned> => {
  const owner = Marks.ownerOf(row.external_ids)
  return owner === undefined
    ? []
    : [{ ...owner, port: row.name, state: row.error ?? row.status["status"] ?? row.link_state ?? "unknown" }]
}

interface Found {
  readonly port: PortRow
  readonly bridge: BridgeRow | undefined
  readonly interface: InterfaceRow | undefined
  /** Whether its bridge forwards for it, by learning or by the port's own flow. */
  readonly learns: boolean
}

const findings = Effect.fnUntraced(function* (client: OvsClient["Service"], plan: PortPlan, port: PortRow) {
  const bridge = yield* client.bridgeOf(port)
  const [row] = yield* client.interfacesOf(port)
  // An OpenFlow table that does not answer belongs to a dead ovs-vswitchd, which has no flow either.
  const learns = needsFlow(plan, bridge)
    ? yield* Effect.catch(client.learns(plan.bridge, plan.cookie), () => Effect.succeed(false))
    : true
  const found: Found = { port, bridge, interface: row, learns }
  return found
})

type Shown = string | number | undefined

export const differences = (
  plan: PortPlan,
  { bridge, interface: row, learns, port }: Found
): ReadonlyArray<Difference> => {
  const { wanted } = plan
  const compare = (what: string, is: Shown, asked: Shown): ReadonlyArray<Difference> =>
    is === asked ? [] : [{ what: `${what} of port ${port.name} is ${show(is)}, not ${show(asked)}` }]
  const numbers = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b).join(",") || undefined

  const onPort = [
    ...compare("name", port.name, plan.name),
    ...compare("bridge", bridge?.name, plan.bridge),
    ...compare("VLAN", port.tag, wanted.vlan),
    ...compare("trunks", numbers(port.trunks), numbers(wanted.trunks)),
    ...compare("VLAN mode", port.vlan_mode, wanted.vlanMode),
    ...(learns
      ? []
      : [
          {
            what: `the flow of port ${port.name} is missing on bridge ${plan.bridge} (fail_mode secure)`,
            // Only for a flow that its ADD created. On a bridge that was changed to fail_mode secure later, the flow is
            // the administrator's task.
            ...(Marks.flowOf(port.external_ids) === plan.cookie ? { kind: "forgotten" as const } : {})
          }
        ])
  ]
  if (row === undefined) return [...onPort, { what: `interface of port ${port.name} is missing` }]
  return [
    ...onPort,
    ...compare("type", row.type, plan.type),
    ...compare(
      "socket path",
      row.options["vhost-server-path"],
      plan.type === "dpdkvhostuserclient" ? plan.socket : undefined
    ),
    ...compare("MTU request", row.mtu_request, wanted.mtu),
    // The MTU is known while the container's end is connected; then it must be the requested one.
    ...(wanted.mtu === undefined || row.mtu === undefined || row.mtu === 0 ? [] : compare("MTU", row.mtu, wanted.mtu)),
    ...compare("queues", row.options["n_rxq"], wanted.queues === undefined ? undefined : String(wanted.queues)),
    ...compare("ingress policing rate", row.ingress_policing_rate, wanted.ingressPolicingRate),
    ...compare("ingress policing burst", row.ingress_policing_burst, wanted.ingressPolicingBurst),
    ...compare("OVN port (iface-id)", row.external_ids["iface-id"], wanted.ovnPort),
    ...(row.error === undefined ? [] : [{ what: `port ${port.name} has failed: ${row.error}` }]),
    ...(row.error === undefined && row.ofport !== undefined && row.ofport < 0
      ? [{ what: `port ${port.name} is not on the switch (ofport ${row.ofport})` }]
      : [])
  ]
}

/**
 * ovn-controller reports when it has bound the port. It may not have done so when a runtime calls CHECK right after
 * ADD, so this is a warning.
 */
export const ovnWarnings = ({ wanted }: PortPlan, { interface: row, port }: Found): ReadonlyArray<Difference> =>
  wanted.ovnPort === undefined || row === undefined || row.external_ids["ovn-installed"] === "true"
    ? []
    : [
        {
          what:
            `OVN has not bound port ${port.name} to its logical port ${wanted.ovnPort} (external_ids:ovn-installed is ` +
            "missing): it carries no traffic. Check that the logical port exists, and that ovn-controller runs.",
          warning: true
        }
      ]

const show = (value: Shown): string => (value === undefined ? "none" : String(value))

/** Only restores a flow that the port's own ADD created: DEL knows from its mark that there is a flow to remove. */
const relearn = Effect.fnUntraced(function* (
  client: OvsClient["Service"],
  { bridge, cookie, name }: PortPlan,
  { external_ids }: PortRow,
  { interface: row, learns }: Found
) {
  if (learns || Marks.flowOf(external_ids) !== cookie || row?.ofport === undefined || row.ofport < 0) return false
  yield* client.learn(bridge, row.ofport, cookie).pipe(Effect.mapError(flowRefused(`restore port ${name}`, bridge)))
  return true
})

/** ovs-vswitchd sets `link_state` of a vhost-user port to `up` while an application is connected. */
const Link = table("Interface", (column) => ({
  name: column("name", text),
  link_state: column("link_state", optional(text))
}))
