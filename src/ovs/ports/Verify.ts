/**
 * Compares a port on the switch with the request of its ADD, and restores what ovs-vswitchd or the database has lost of
 * it. An existing row is not changed; differences from the record are reported.
 */
import * as Effect from "effect/Effect"
import type { OvsVhostPort } from "../../cni/network/HostPort.ts"
import { ErrorCodes } from "../../cni/spec/CniError.ts"
import type { Difference, Plugged, PortRequest, Restored, VswitchError } from "../../vswitch/Vswitch.ts"
import type { Daemon } from "../client/Daemon.ts"
import * as Marks from "../client/Marks.ts"
import { type OvsClient, orNotCaughtUp } from "../client/OvsClient.ts"
import { flowRefused, fromOvsdb, toError } from "../client/PortError.ts"
import { type PortPlan, portPlan } from "../client/PortPlan.ts"
import type { BridgeRow, InterfaceRow, PortRow } from "../client/Tables.ts"
import { needsFlow } from "../client/Transactions.ts"

export interface Found {
  readonly port: PortRow
  readonly bridge: BridgeRow | undefined
  readonly interface: InterfaceRow | undefined
  /** Whether its bridge forwards for it, by learning or by the port's own flow. */
  readonly learns: boolean
}

export const findings = Effect.fnUntraced(function* (client: OvsClient["Service"], plan: PortPlan, port: PortRow) {
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

type PlugPort = (request: PortRequest, port: OvsVhostPort) => Effect.Effect<Plugged, VswitchError>

/**
 * The database is persistent, so a port is only missing after it was emptied. ovs-vswitchd loses the flow of a port on
 * a bridge in fail_mode secure when it exits.
 */
export const restore = (client: OvsClient["Service"], daemon: Daemon, plugPort: PlugPort) =>
  Effect.fn("OvsVswitch.restore")(function* (
    request: PortRequest,
    port: OvsVhostPort
  ): Effect.fn.Return<Restored, VswitchError> {
    const plan = portPlan(request, port)
    const operation = `restore port ${plan.name}`
    const failed = fromOvsdb(operation)
    const dead = yield* daemon.silent
    if (dead !== undefined) return yield* toError(operation, dead)
    const [there] = yield* Effect.mapError(client.portsMarked(plan.mark), failed)
    if (there === undefined) {
      const { port: name, socketAt } = yield* plugPort(request, port)
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
