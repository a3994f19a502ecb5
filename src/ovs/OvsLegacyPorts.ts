/**
 * Ports of the original plugin and of its fork on Open vSwitch. The fork marks the Interface, not the Port: owner,
 * container-id, interface, without the network. The original has no marks: its state file has the port's name. They
 * are read and removed here, never created.
 */
import * as Effect from "effect/Effect"
import type { OvsVhostPort } from "../cni/network/HostPort.ts"
import { ErrorCodes } from "../cni/types/CniError.ts"
import { type Identity, plainHandle, shortId } from "../identity/Attachment.ts"
import type { Difference, LegacyAsked, LegacyPort, LegacyPorts, PortRequest } from "../vswitch/Vswitch.ts"
import type { OvsClient } from "./client/OvsClient.ts"
import { fromOvsdb, toError } from "./client/OvsdbError.ts"
import * as Marks from "./client/PortPlan.ts"
import { portPlan } from "./client/PortPlan.ts"
import type { InterfaceRow, PortRow } from "./client/Transactions.ts"
import { differences } from "./OvsInspect.ts"

const owner = { owner: "userspace-cni" }
const containerKey = "container-id"
const ifNameKey = "interface"

const forkMark = ({ containerId, ifName }: Pick<Identity, "containerId" | "ifName">): Marks.ExternalIds => ({
  ...owner,
  [containerKey]: containerId,
  [ifNameKey]: ifName
})

const forkOwner = (ids: Marks.ExternalIds): Pick<Identity, "containerId" | "ifName"> | undefined => {
  const { owner: said, [containerKey]: containerId, [ifNameKey]: ifName } = ids
  return said !== owner.owner ||
    containerId === undefined ||
    containerId === "" ||
    ifName === undefined ||
    ifName === ""
    ? undefined
    : { containerId, ifName }
}

interface Pair {
  readonly port: PortRow
  readonly interface: InterfaceRow
}

const isVhost = ({ type }: InterfaceRow): boolean => type.startsWith("dpdkvhostuser")

const hasNone = ({ external_ids }: PortRow | InterfaceRow): boolean => Object.keys(external_ids).length === 0

/** OVN adds keys to the Interface. With this plugin's mark, the fork's mark was copied. */
const isForks = ({ interface: row, port }: Pair): boolean =>
  isVhost(row) &&
  forkOwner(row.external_ids) !== undefined &&
  [row, port].every(({ external_ids }) => external_ids[Marks.formatKey] === undefined)

/** The original plugin sets no external_ids and only creates vhost-user ports; any other port is not its own. */
const isOriginals = ({ interface: row, port }: Pair): boolean => isVhost(row) && hasNone(row) && hasNone(port)

const plain = (client: OvsClient["Service"], name: string) =>
  Effect.gen(function* () {
    const port = yield* client.portNamed(name)
    if (port === undefined) return undefined
    const [row, ...others] = yield* client.interfacesOf(port)
    return { port, pair: row === undefined || others.length > 0 ? undefined : { port, interface: row } }
  })

/** Both plugins give port and interface the same name. */
const marked = Effect.fnUntraced(function* (client: OvsClient["Service"], mark: Marks.ExternalIds) {
  const rows = yield* client.interfacesMarked(mark)
  const found = yield* Effect.forEach(rows, ({ name }) => plain(client, name))
  return found.flatMap((one) => (one?.pair !== undefined && isForks(one.pair) ? [one.pair] : []))
})

const look = Effect.fnUntraced(function* (client: OvsClient["Service"], { attachment, state }: LegacyAsked) {
  const byMark = yield* marked(client, forkMark(attachment))
  // Without a state file the name proves nothing, except that files of this name are another attachment's.
  const isNamed = state?.portName !== undefined
  const there = yield* plain(client, state?.portName ?? plainHandle(attachment))
  const isFound = byMark.some(({ port }) => port._uuid === there?.port._uuid)
  const pair = isFound ? undefined : there?.pair
  const originals = isNamed && pair !== undefined && isOriginals(pair) ? [pair] : []
  const other = there === undefined || isFound || originals.length > 0 ? undefined : there
  const isAnothers = other?.pair !== undefined && isForks(other.pair) && beginsAlike(other.pair, attachment)
  return { pairs: [...byMark, ...originals], refused: isAnothers || !isNamed ? undefined : other?.port, isAnothers }
})

/** The state file's name has only a prefix of the ID, so it may belong to another container with that prefix. */
const beginsAlike = ({ interface: row }: Pair, { containerId, ifName }: LegacyAsked["attachment"]): boolean => {
  const said = forkOwner(row.external_ids)
  return said?.ifName === ifName && said.containerId !== containerId && shortId(said) === shortId({ containerId })
}

const legacyPort = Effect.fnUntraced(function* (client: OvsClient["Service"], { interface: row, port }: Pair) {
  const owned = forkOwner(row.external_ids)
  return {
    by: owned === undefined ? "original" : "fork",
    port: port.name,
    containerId: owned?.containerId,
    ifName: owned?.ifName,
    socketPath: row.options["vhost-server-path"],
    bridge: (yield* client.bridgeOf(port))?.name
  } satisfies LegacyPort
})

export const make = (client: OvsClient["Service"]): LegacyPorts => ({
  list: marked(client, owner).pipe(
    Effect.flatMap((pairs) => Effect.forEach(pairs, (pair) => legacyPort(client, pair))),
    Effect.mapError(fromOvsdb("list ports of the original plugin's fork"))
  ),
  find: Effect.fnUntraced(
    function* (asked) {
      const { isAnothers, pairs } = yield* look(client, asked)
      return { ports: yield* Effect.forEach(pairs, (pair) => legacyPort(client, pair)), isAnothers }
    },
    Effect.mapError(fromOvsdb("find ports of the original plugin and its fork"))
  ),
  remove: Effect.fnUntraced(function* (asked) {
    const operation = "remove the port of the original plugin or its fork"
    const failed = fromOvsdb(operation)
    const { pairs, refused } = yield* Effect.mapError(look(client, asked), failed)
    const ports = pairs.map(({ port }) => port)
    const gone = yield* Effect.mapError(client.removePorts(ports), failed)
    if (refused !== undefined) return yield* notTaken(operation, refused)
    return gone
  }),
  verify: Effect.fnUntraced(
    function* (asked, request) {
      const { pairs } = yield* look(client, asked)
      const { port } = request
      if (port.engine !== "ovs-dpdk") return []
      const found = yield* Effect.forEach(pairs, (pair) => compared(client, pair, request, port))
      return pairs.length === 0 ? [{ what: `port ${asked.state?.portName ?? ""} is missing` }] : found.flat()
    },
    Effect.mapError(fromOvsdb("read the port of the original plugin or its fork"))
  )
})

/** Name and path are those of the plugin that created it; its flow is a controller's. */
const compared = Effect.fnUntraced(function* (
  client: OvsClient["Service"],
  { interface: row, port }: Pair,
  request: PortRequest,
  wanted: OvsVhostPort
) {
  const plan = portPlan(request, wanted)
  const bridge = yield* client.bridgeOf(port)
  const socket = row.options["vhost-server-path"] ?? plan.socket
  const found: ReadonlyArray<Difference> = differences(
    { ...plan, name: port.name, socket },
    { port, bridge, interface: row, learns: true }
  )
  return found
})

const notTaken = (operation: string, { name }: PortRow) =>
  toError(operation, {
    code: ErrorCodes.CleanupIncomplete,
    answer: `the state file names port ${name}, which neither of them created: port and state file are kept`,
    cure:
      `Inspect it with \`ovs-vsctl list Interface ${name}\` and \`ovs-vsctl list Port ${name}\`. If it is this ` +
      `container's, remove it with \`ovs-vsctl del-port ${name}\`; if not, remove the state file, data/local-*.json in the ` +
      "plugin's state directory. The next DEL does the rest."
  })
