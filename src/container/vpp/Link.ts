/**
 * The interface in this container's VPP for one of the container's interfaces. A memif is created; an existing one with
 * the same configuration is kept, another one replaced. A vhost-user interface must exist: VPP's own vhost-user is the
 * switch's side; the application's side is DPDK's virtio-user, which VPP creates at start.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { sha256 } from "#sha256"
import type { VppMemifPort } from "../../cni/network/HostPort.ts"
import type { Files } from "../../platform/Files.ts"
import { run, type Session, step } from "../../vpp/client/Session.ts"
import { fromVpp, type VppError } from "../../vpp/client/VppError.ts"
import { all, bySocket, type Interface as VppInterface } from "../../vpp/interfaces/Interfaces.ts"
import { attempts, portName, portNumber } from "../../vpp/interfaces/Mark.ts"
import * as PortKinds from "../../vpp/interfaces/PortKinds.ts"
import { tagAddDel } from "../../vpp/messages/Interface.ts"
import { removeInterface } from "../../vpp/Unplug.ts"
import type { VswitchError } from "../../vswitch/Vswitch.ts"
import { ContainerError } from "../ContainerError.ts"
import { vdevArguments } from "../DpdkArguments.ts"
import type { Interface, MemifInterface, VhostUserInterface } from "../read/Interface.ts"
import { removeRoutesOver } from "./Routes.ts"

export interface Link {
  readonly index: number
  /** VPP's name of the interface. */
  readonly vppName: string
  readonly was: "made" | "kept" | "there"
}

export const link = (session: Session, files: Files["Service"], one: Interface): Effect.Effect<Link, ContainerError> =>
  one.kind === "memif" ? memif(session, files, one) : virtioUser(session, one)

const asking = (session: Session, one: Interface) =>
  Effect.mapError(all(session), failedTo(one.name, "list the interfaces"))

const memif = Effect.fnUntraced(function* (session: Session, files: Files["Service"], one: MemifInterface) {
  if (one.mode === "inject-punt") {
    return yield* new ContainerError({
      operation: `cannot configure ${one.name}`,
      details: ["its memif mode is inject-punt, which crashes VPP"],
      cure: "Use mode ethernet or ip in the network's configuration."
    })
  }
  const there = yield* asking(session, one)
  const wanted = tagOf(one)
  const kept = there.find(({ tag }) => tag === wanted)
  const outdated = there.filter(({ tag }) => tag !== wanted && nameIn(tag) === one.name)
  for (const other of outdated) yield* replace(session, files, one, other)
  if (kept !== undefined) return { index: kept.sw_if_index, vppName: kept.interface_name, was: "kept" } as const
  yield* nobodyElse(session, one, there)
  return yield* make(session, files, one, there, 0)
})

const replace = (session: Session, files: Files["Service"], one: MemifInterface, outdated: VppInterface) =>
  Effect.andThen(
    Effect.mapError(removeRoutesOver(session, outdated.sw_if_index), fromVpp("remove routes")),
    removeInterface(session, files, outdated, { routes: [], limited: undefined, socketFile: undefined })
  ).pipe(Effect.mapError(fromVswitch(one.name)))

/** Fails when another interface, created by hand or by a start script, is on the link: a second would disturb it. */
const nobodyElse = Effect.fnUntraced(function* (
  session: Session,
  one: MemifInterface,
  there: ReadonlyArray<VppInterface>
) {
  const users = yield* Effect.mapError(bySocket(session, filenameOf(one)), failedTo(one.name, "find its socket"))
  const other = there.find(
    ({ interface_name, sw_if_index }) => users.includes(sw_if_index) && !isLeftover(interface_name, one)
  )
  if (other === undefined) return
  return yield* new ContainerError({
    operation: `cannot configure ${one.name}`,
    details: [
      `interface ${other.interface_name} of this VPP already uses ${one.socket}, and was not created by this command`
    ],
    cure: `Delete it (\`vppctl delete interface memif ${other.interface_name}\`), or leave ${one.name} out with --interfaces.`
  })
})

/** An interface with our number and without a tag was created by a run that was killed before it could set it. */
const isLeftover = (name: string, one: MemifInterface): boolean =>
  Array.from({ length: attempts }, (_, attempt) => portName("memif", portNumber(keyOf(one.name), attempt))).includes(
    name
  )

const filenameOf = ({ abstract, socket }: MemifInterface): string => (abstract ? `abstract:${socket}` : socket)

const make = Effect.fnUntraced(function* (
  session: Session,
  files: Files["Service"],
  one: MemifInterface,
  there: ReadonlyArray<VppInterface>,
  attempt: number
): Effect.fn.Return<Link, ContainerError> {
  const number = portNumber(keyOf(one.name), attempt)
  const vppName = portName("memif", number)
  const leftover = there.find(({ interface_name, tag }) => interface_name === vppName && tag === "")
  if (leftover !== undefined) yield* replace(session, files, one, leftover)
  const told = <A>(self: Effect.Effect<A, VppError>, what: string) => Effect.mapError(self, failedTo(one.name, what))
  const filename = filenameOf(one)
  const registered = yield* told(PortKinds.registerSocket(session, number, filename), `register ${one.socket}`)
  const made =
    registered === "taken"
      ? undefined
      : yield* told(PortKinds.createMemif(session, portOf(one), number, filename), `create ${vppName}`)
  if (made?.alone === false) yield* told(PortKinds.removeMemif(session, made.index), `remove ${vppName}`)
  if (made?.alone !== true) {
    if (attempt + 1 < attempts) return yield* make(session, files, one, there, attempt + 1)
    return yield* new ContainerError({
      operation: `cannot configure ${one.name}`,
      details: [`all memif socket IDs that it could have are in use, up to ${number}`],
      cure: "Find their interfaces with `vppctl show memif`, and remove them."
    })
  }
  const { index } = made
  const tag = tagOf(one)
  yield* told(run(session, [step(tagAddDel, { is_add: true, sw_if_index: index, tag })]), `mark ${vppName}`)
  return { index, vppName, was: "made" }
})

/** The port for the VPP client. Creating a memif uses only the interface's values. */
const portOf = (one: MemifInterface): VppMemifPort => ({
  engine: "vpp",
  iftype: "memif",
  control: "",
  mtu: one.mtu,
  mac: one.mac,
  socketFile: undefined,
  group: undefined,
  network: { netType: "none" },
  limits: [],
  role: one.role,
  mode: one.mode === "ip" ? "ip" : "ethernet",
  abstract: one.abstract,
  rxQueues: one.rxQueues,
  txQueues: one.txQueues,
  ringSize: one.ringSize,
  bufferSize: one.bufferSize,
  secret: one.secret === undefined ? undefined : Redacted.value(one.secret),
  noZeroCopy: false,
  useDma: false
})

/** Finds the interface by its MAC address, which DPDK got in its arguments. */
const virtioUser = Effect.fnUntraced(function* (session: Session, one: VhostUserInterface) {
  const there = yield* asking(session, one)
  const found = there.find(
    ({ interface_dev_type, l2_address }) =>
      one.mac !== undefined && l2_address === one.mac && interface_dev_type !== "vhost-user"
  )
  if (found !== undefined) {
    return { index: found.sw_if_index, vppName: found.interface_name, was: "there" } as const
  }
  return yield* new ContainerError({
    operation: `cannot configure ${one.name}`,
    details: [
      `it is a vhost-user port, and no interface of this VPP has its MAC address ${one.mac ?? "(it has none)"}`
    ],
    cure:
      "VPP's own vhost-user is the switch's side. VPP opens the application's side with DPDK when it starts: put this " +
      `into its startup.conf, and restart it.\n${Result.getOrElse(startupConf([one]), () => "")}`
  })
})

/** Returns the section of VPP's startup.conf that opens the vhost-user interfaces. */
export const startupConf = (interfaces: ReadonlyArray<Interface>): Result.Result<string, ContainerError> =>
  Result.map(
    vdevArguments(
      interfaces.filter(({ kind }) => kind === "vhost-user"),
      { secrets: "refused" }
    ),
    (vdevs) =>
      ["dpdk {", "  no-pci", ...vdevs.map((vdev) => `  ${vdev.slice("--".length).replace("=", " ")}`), "}"].join("\n")
  )

/**
 * The tag by which `container vpp` identifies its interfaces: the interface's name and a digest of what cannot be
 * changed after creation, without the secret: everybody who can see a tag could use a digest to try secrets. VPP stores
 * 63 characters; these are at most 54. The plugin's own mark, which is for the switch, differs.
 */
export const tagOf = (one: MemifInterface): string => {
  const { abstract, bufferSize, mac, mode, name, ringSize, role, rxQueues, socket, txQueues } = one
  const made = [socket, abstract, role, mode, mac, rxQueues, txQueues, ringSize, bufferSize]
  return `userspace-container/1/${name}/${sha256(JSON.stringify(made)).toString("hex").slice(0, 16)}`
}

/** The interface's name in a tag. Undefined: not the plugin's. */
export const nameIn = (tag: string): string | undefined =>
  /^userspace-container\/1\/([^/]+)\/[0-9a-f]{16}$/.exec(tag)?.[1]

/** The key from which VPP's name of the interface is derived (src/vpp/interfaces/Mark.ts). */
export const keyOf = (name: string): string => `container\0${name}`

const fromVswitch =
  (name: string) =>
  ({ answer, cure, operation }: VswitchError): ContainerError =>
    new ContainerError({ operation: `cannot configure ${name}`, details: [`VPP, ${operation}: ${answer}`], cure })

/** `name`: the interface that could not be configured. `what`: the failed operation. */
export const failedTo =
  (name: string, what: string) =>
  (error: VppError): ContainerError =>
    fromVswitch(name)(fromVpp(what)(error))
