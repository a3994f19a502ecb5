/**
 * What only looks at the ports of a VPP: `verify` compares one with the request of its ADD, as far as VPP reports it
 * (ring and buffer sizes are only those of peers), `list` and `connections`. And `complete`, which sets up again what a
 * port has lost. The mark has a key instead of names; records have the names. Loaded on demand.
 */
import * as Effect from "effect/Effect"
import type { VppMemifPort, VppPort, VppVhostPort } from "../cni/network/HostPort.ts"
import { ErrorCodes } from "../cni/types/CniError.ts"
import { keyOf, shortDigest } from "../identity/Attachment.ts"
import type { Connection, Difference, Owned, Restored } from "../vswitch/Vswitch.ts"
import { check, toList } from "./client/RequiredMessages.ts"
import { run, type Session } from "./client/Session.ts"
import { fromVpp, toError } from "./client/VppError.ts"
import * as Bridging from "./interfaces/Bridging.ts"
import { addRoutes, addressesOf, missingRoutes } from "./interfaces/HostAddresses.ts"
import { byMark, byName, type Interface, marked, memifSockets, vhosts, vppKeeps } from "./interfaces/Interfaces.ts"
import { fromTag, memifSocketOf, type Owner, portName, portNumber, selects } from "./interfaces/Mark.ts"
import * as PortKinds from "./interfaces/PortKinds.ts"
import { noRewrite, pushOne } from "./messages/BridgeDomain.ts"
import { adminUp, linkUp } from "./messages/Interface.ts"
import { memifDump, vhostUserDump } from "./messages/Ports.ts"
import { type Plan, refuseConflict, refuseTaken, setUp } from "./Plug.ts"

export const verify = Effect.fnUntraced(function* (session: Session, plan: Plan) {
  const { port, request } = plan
  const who = { key: keyOf(request.attachment), invocation: undefined }
  const first = yield* byName(session, portName(port.iftype, portNumber(who.key)))
  const there = first !== undefined && selects(who, first.tag) ? first : (yield* byMark(session, who))[0]
  if (there === undefined) return [missing]
  const own =
    port.iftype === "memif"
      ? yield* memif(session, { ...plan, port }, there)
      : yield* vhostUser(session, { ...plan, port }, there)
  const limits = plan.policing === undefined ? [] : yield* plan.policing.differences
  return differences([...own, ...common(port, there), ...(yield* network(session, plan, there)), ...limits])
})

const missing: Difference = { what: "VPP has no interface with the mark of this attachment", kind: "missing" }

const differences = (what: ReadonlyArray<string>): ReadonlyArray<Difference> => what.map((what) => ({ what }))

/** `interface memif7/0: MTU is 1500, not 9000`. */
const compare = (name: string, what: string, is: unknown, wanted: unknown): ReadonlyArray<string> =>
  is === wanted ? [] : [`interface ${name}: ${what} is ${String(is)}, not ${String(wanted)}`]

const common = (port: VppPort, { flags, interface_name, mtu }: Interface): ReadonlyArray<string> => [
  ...((flags & adminUp) === 0 ? [`interface ${interface_name} is down`] : []),
  ...(port.mtu === undefined ? [] : compare(interface_name, "MTU", mtu[0], port.mtu))
]

const memif = Effect.fnUntraced(function* (
  session: Session,
  { port, request }: Plan<VppMemifPort>,
  { interface_name, sw_if_index }: Interface
) {
  const found = (yield* session.dump(memifDump, {})).find((memif) => memif.sw_if_index === sw_if_index)
  if (found === undefined) return [`interface ${interface_name} is not a memif`]
  const socket = (yield* memifSockets(session)).get(found.socket_id)
  return [
    ...compare(interface_name, "role", found.role, port.role),
    ...compare(interface_name, "mode", found.mode, port.mode),
    ...compare(interface_name, "socket", socket, vppKeeps(PortKinds.filenameOf(request, port)))
  ]
})

const vhostUser = Effect.fnUntraced(function* (
  session: Session,
  { port, request }: Plan<VppVhostPort>,
  { interface_name, sw_if_index }: Interface
) {
  const found = (yield* session.dump(vhostUserDump, { sw_if_index })).find((one) => one.sw_if_index === sw_if_index)
  if (found === undefined) return [`interface ${interface_name} is not vhost-user`]
  return [
    ...compare(interface_name, "mode", found.is_server ? "server" : "client", port.mode),
    ...compare(interface_name, "socket", found.sock_filename, request.socketPath)
  ]
})

const network = Effect.fnUntraced(function* (session: Session, { addresses, port }: Plan, there: Interface) {
  const { interface_name, sw_if_index, vtr_op, vtr_tag1 } = there
  if (port.network.netType === "interface") {
    const has = yield* addressesOf(session, sw_if_index)
    const unrouted = yield* missingRoutes(session, addresses, sw_if_index)
    return [
      ...addresses.addresses
        // VPP does not list link-local addresses of an interface.
        .filter((address) => !has.includes(address) && !/^fe[89ab]/.test(address))
        .map((address) => `interface ${interface_name} does not have address ${address}`),
      ...unrouted.map((to) => `the route to ${to} over interface ${interface_name} is missing`)
    ]
  }
  if (port.network.netType === "none") return []
  const bridgeDomain = Bridging.numberOf(port.network)
  const domain = yield* Bridging.find(session, bridgeDomain)
  const member = domain?.sw_if_details.some((one) => one.sw_if_index === sw_if_index) === true
  if (domain === undefined) return [`bridge domain ${bridgeDomain} is missing`]
  const other = Bridging.conflict(port.network, domain)
  const rewrite = vtr_op === noRewrite ? "none" : vtr_op === pushOne ? `push dot1q ${vtr_tag1}` : `operation ${vtr_op}`
  return [
    ...(other === undefined ? [] : [`bridge domain ${bridgeDomain} is ${other}`]),
    ...(member ? [] : [`interface ${interface_name} is not in bridge domain ${bridgeDomain}`]),
    ...(domain.forward && domain.flood ? [] : [`bridge domain ${bridgeDomain} does not forward`]),
    ...compare(interface_name, "VLAN tag rewrite", rewrite, "none")
  ]
})

/**
 * VPP loses everything at once, but a restore may have been killed half-way (a port without tag, down, outside its
 * bridge domain), or settings were changed by hand. Settings are set again; what cannot be set, such as the role, is
 * reported. Undefined: there is no port, not even one without a tag.
 */
export const complete = Effect.fnUntraced(function* (session: Session, plan: Plan) {
  const there = yield* Effect.mapError(find(session, plan), fromVpp("find the port"))
  if (there === undefined) return undefined
  const { interface_name: name, sw_if_index: index } = there
  const lacking = yield* Effect.mapError(verify(session, plan), fromVpp("inspect the port"))
  if (lacking.length > 0) {
    yield* refuseTaken(session, `restore ${name}`, plan.addresses, index)
    const { network } = plan.port
    if (network.netType === "bridge") yield* refuseConflict(session, `restore ${name}`, network)
    yield* setAgain(session, plan, index)
    const wrong = yield* Effect.mapError(verify(session, plan), fromVpp("inspect the port"))
    if (wrong.length > 0) {
      return yield* toError(`restore ${name}`, {
        code: ErrorCodes.SwitchRefused,
        answer: `different from the record: ${wrong.map(({ what }) => what).join("; ")}`,
        cure: "Delete the pod so that it is recreated."
      })
    }
  }
  const made = lacking.length > 0 ? [`settings of interface ${name}`] : []
  const restored: Restored = { port: name, socketAt: undefined, made }
  return restored
})

const find = Effect.fnUntraced(function* (session: Session, { port, request }: Plan) {
  const key = keyOf(request.attachment)
  const numbered = yield* byName(session, portName(port.iftype, portNumber(key)))
  if (numbered !== undefined && (numbered.tag === "" || fromTag(numbered.tag)?.key === key)) return numbered
  const [marked] = yield* byMark(session, { key, invocation: undefined })
  return marked
})

/** A port in a bridge domain leaves it first: somebody may have set a tag rewrite on it that must be removed. */
const setAgain = Effect.fnUntraced(
  function* (session: Session, plan: Plan, index: number) {
    const { network } = plan.port
    const bridged = network.netType === "bridge"
    const has = plan.addresses.addresses.length === 0 ? [] : yield* addressesOf(session, index)
    const addresses = plan.addresses.addresses.filter((address) => !has.includes(address))
    const rest = { ...plan, addresses: { ...plan.addresses, addresses } }
    yield* setUp(session, rest, index, undefined, bridged ? Bridging.leave(session, index) : [])
    yield* run(session, addRoutes(index, plan.addresses))
  },
  Effect.mapError(fromVpp("set up the port"))
)

export const list = Effect.fnUntraced(function* (session: Session, network: string | undefined) {
  const wanted = network === undefined ? undefined : shortDigest(network)
  const ours = (yield* marked(session)).filter(({ mark }) => wanted === undefined || mark.network === wanted)
  const sockets = yield* memifSockets(session)
  const servers = yield* vhosts(session)
  const pathOf = ({ interface_name, sw_if_index }: Interface) =>
    servers.find((vhost) => vhost.sw_if_index === sw_if_index)?.sock_filename ??
    sockets.get(memifSocketOf(interface_name) ?? -1)
  const { list: policers } = yield* Effect.promise(() => import("./interfaces/Policers.ts"))
  const alone = new Map((yield* policers(session)).map((policer) => [policer.key, policer]))
  for (const { mark } of ours) alone.delete(mark.key)
  const owned = ({ container, key }: Owner, rest: Pick<Owned, "port" | "socketPath" | "state">): Owned => ({
    key,
    network: network ?? "",
    containerId: container,
    ifName: "",
    pod: undefined,
    ...rest
  })
  return [
    ...ours.map(({ mark, one }) =>
      owned(mark, {
        port: one.interface_name,
        socketPath: pathOf(one),
        state: (one.flags & linkUp) === 0 ? "disconnected" : "connected"
      })
    ),
    // The interface was removed by somebody, and VPP keeps its policers.
    ...[...alone.values()]
      .filter((policer) => wanted === undefined || policer.network === wanted)
      .map((policer) =>
        owned(policer, { port: policer.name, socketPath: undefined, state: "policer without an interface" })
      )
  ]
})

/** One dump of the interfaces: VPP cannot filter it by their marks. */
export const connections = Effect.fnUntraced(function* (session: Session, keys: ReadonlyArray<string>) {
  yield* check(session, toList)
  const rows = yield* marked(session)
  const asked = new Set(keys)
  const found = new Map<string, Connection>()
  for (const { mark, one } of rows) {
    if (asked.has(mark.key)) found.set(mark.key, { port: one.interface_name, connected: (one.flags & linkUp) !== 0 })
  }
  return found
})
