/**
 * Creates one port, completely or not at all. Before: the path of its socket is checked, and a number that is free.
 * Each change is registered for rollback before it is made. The rollback inspects what exists and removes only what
 * this ADD created, so that a lost reply, an interruption and a second ADD of the same attachment are handled alike.
 * Restore sets up an incomplete port with the same settings.
 */

import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { VppMemifPort, VppPort, VppVhostPort } from "../cni/network/HostPort.ts"
import { keyOf } from "../identity/Attachment.ts"
import type { Files } from "../platform/Files.ts"
import { maximumPathBytes, pathBytes, type Sockets } from "../platform/Sockets.ts"
import { revertible } from "../program/Step.ts"
import { isShortLink } from "../shared-dir/SocketPaths.ts"
import type { PortError, PortRequest, VswitchError } from "../vswitch/Vswitch.ts"
import { run, type Session, type Step, step } from "./client/Session.ts"
import {
  alreadyAttached,
  fromFile,
  fromVpp,
  notMade,
  otherBridge,
  routeTaken,
  socketRefused,
  toError,
  type VppError
} from "./client/VppError.ts"
import type { Bridge } from "./interfaces/Bridging.ts"
import * as Bridging from "./interfaces/Bridging.ts"
import * as HostAddresses from "./interfaces/HostAddresses.ts"
import { byIndex, byName, type Interface } from "./interfaces/Interfaces.ts"
import { attempts, fromTag, markOf, type PortKind, portName, portNumber, selects, toTag } from "./interfaces/Mark.ts"
import type { Policing } from "./interfaces/Policers.ts"
import * as PortKinds from "./interfaces/PortKinds.ts"
import { madeByVpp } from "./interfaces/PortKinds.ts"
import { adminUp, setFlags, setHardwareMtu, setMtu, tagAddDel } from "./messages/Interface.ts"
import { socketFilenameAddDelV2 } from "./messages/Ports.ts"
import { removeInterface } from "./Unplug.ts"

type Fs = Files["Service"]

/** Runs in the caller's scope, which rolls back unless it ends with success. */
export const plug = Effect.fnUntraced(function* (session: Session, files: Fs, plan: Plan, place: FreeSlot) {
  const { addresses, policing, port } = plan
  const { network } = port
  yield* refuseTaken(session, "plug", addresses)
  for (const what of policing?.unkept ?? []) yield* Effect.logWarning(what)
  let unmarked = false
  if (network.netType === "bridge") {
    const leave = Effect.suspend(() => Bridging.removeUnused(session, Bridging.numberOf(network), unmarked))
    yield* revertible("join the bridge domain", Effect.void, leave)
  }
  const index =
    port.iftype === "memif"
      ? yield* plugMemif(session, files, { ...plan, port }, place)
      : yield* plugVhost(session, files, { ...plan, port }, place)
  const there = yield* setUp(session, plan, index, (error) => {
    unmarked = Bridging.notMade(error)
  })
  yield* Effect.mapError(run(session, HostAddresses.addRoutes(index, addresses)), fromVpp("set up the port"))
  return yield* made(files, plan, there)
})

/**
 * Finds a free number. A port with the attachment's number and without a tag is the attachment's as well: its ADD was
 * killed, or is running.
 */
const free = Effect.fnUntraced(function* (session: Session, kind: PortKind, { request }: Plan, from = 0) {
  const key = keyOf(request.attachment)
  for (let attempt = from; attempt < attempts; attempt++) {
    const number = portNumber(key, attempt)
    const name = portName(kind, number)
    const there = yield* Effect.mapError(byName(session, name), fromVpp(`find ${name}`))
    if (there === undefined) return { attempt, number, name }
    if (there.tag === "" || fromTag(there.tag)?.key === key) return yield* toError("plug", alreadyAttached(name))
  }
  return yield* toError(
    "plug",
    notMade("all interface numbers that the port could have are in use", "Remove the interfaces that use them.")
  )
})

export interface FreeSlot {
  readonly attempt: number
  /** A free number, and the name that results from it. */
  readonly number: number
  readonly name: string
}

/**
 * Fails when the attachment has a port, and when its bridge domain is something else. A bridge domain that is missing
 * is looked for again when `configured` had to wait for a VPP that has just started, which may be about to make it.
 */
export const look = Effect.fnUntraced(function* (session: Session, plan: Plan, configured: Effect.Effect<boolean>) {
  const place = yield* free(session, plan.port.iftype, plan)
  const { network } = plan.port
  if (network.netType !== "bridge") return place
  const domain = yield* refuseConflict(session, "plug", network)
  if (domain === undefined && (yield* configured)) yield* refuseConflict(session, "plug", network)
  return place
})

const plugMemif = Effect.fnUntraced(function* (
  session: Session,
  files: Fs,
  plan: Plan<VppMemifPort>,
  { attempt, name, number }: FreeSlot
): Effect.fn.Return<number, VswitchError, Scope.Scope> {
  const { port, request } = plan
  const filename = PortKinds.filenameOf(request, port)
  let ours = false
  const register = Effect.suspend(() => {
    ours = true
    return Effect.tap(PortKinds.registerSocket(session, number, filename), (answer) =>
      Effect.sync(() => {
        ours = answer === "registered"
      })
    )
  })
  const registered = yield* revertible(
    "register the memif socket",
    Effect.mapError(register, fromVpp(`register socket ${filename}`)),
    Effect.suspend(() => (ours ? PortKinds.unregisterSocket(session, number) : Effect.void))
  )
  if (registered === "taken") {
    return yield* plugMemif(session, files, plan, yield* free(session, "memif", plan, attempt + 1))
  }
  const { alone, index } = yield* create(
    session,
    files,
    plan,
    name,
    PortKinds.createMemif(session, port, number, filename)
  )
  return alone ? index : yield* toError("plug", alreadyAttached(name))
})

const plugVhost = (session: Session, files: Fs, plan: Plan<VppVhostPort>, { name, number }: FreeSlot) =>
  create(
    session,
    files,
    plan,
    name,
    PortKinds.createVhostUser(session, plan.request, plan.port, number, plan.policing?.kept)
  )

/** Runs `make`, which is rolled back when VPP did it or its reply was lost, and not when VPP refused. */
const create = <A>(
  session: Session,
  files: Fs,
  { addresses, policing, port, request }: Plan,
  name: string,
  make: Effect.Effect<A, VppError>
) => {
  let asked = false
  const who = { key: keyOf(request.attachment), invocation: request.invocation }
  const attempt = Effect.suspend(() => {
    asked = true
    return Effect.tapError(make, ({ reason }) =>
      Effect.sync(() => {
        asked = reason._tag !== "Refused" || PortKinds.isRegistration(reason.name)
      })
    )
  })
  const takeBack = Effect.gen(function* () {
    const there = asked ? yield* byName(session, name) : undefined
    // A memif gets its tag in a second step.
    if (there === undefined || !(selects(who, there.tag) || there.tag === "")) return
    yield* removeInterface(session, files, there, {
      routes: addresses.routes,
      limited: policing?.kept === true ? markOf(request.attachment, "") : undefined,
      socketFile: PortKinds.madeByVpp(port) ? request.socketPath : undefined
    })
  })
  return revertible(`create ${name}`, Effect.mapError(attempt, fromVpp(`create ${name}`)), takeBack)
}

/** Inspects a port that VPP reports as created. */
const made = Effect.fnUntraced(function* (files: Fs, { port, request }: Plan, there: Interface | undefined) {
  if (there === undefined || !selects({ key: keyOf(request.attachment), invocation: request.invocation }, there.tag)) {
    return yield* toError(
      "plug",
      notMade("the interface that it created is gone", "Try again: it was removed, or VPP was restarted.")
    )
  }
  if (PortKinds.madeByVpp(port)) {
    const file = yield* Effect.mapError(files.lstat(request.socketPath), fromFile("inspect the socket"))
    if (file?.kind !== "socket") {
      return yield* toError(
        "plug",
        socketRefused(
          `VPP reports that it listens on ${request.socketPath}, but the socket does not exist`,
          "Mount that directory into VPP's container, under the same path."
        )
      )
    }
  }
  return { port: there.interface_name, socketAt: undefined, mtu: there.mtu[0] || there.link_mtu || undefined }
})

export interface Plan<P extends VppPort = VppPort> {
  readonly request: PortRequest
  readonly port: P
  readonly addresses: HostAddresses.Plan
  /** Undefined: no limit is requested. */
  readonly policing: Policing | undefined
}

/**
 * Configures the interface as the port, and reads it back. One that joins a bridge domain goes up in a second step, so
 * that no frame passes if the bridge domain was replaced since its inspection.
 */
export const setUp = Effect.fnUntraced(function* (
  session: Session,
  plan: Plan,
  index: number,
  refused: (error: VppError) => void = () => {},
  before: ReadonlyArray<Step> = []
) {
  const { network } = plan.port
  const up = step(setFlags, { sw_if_index: index, flags: adminUp })
  const apply = (steps: ReadonlyArray<Step>) =>
    run(session, steps).pipe(
      Effect.tapError((error) => Effect.sync(() => refused(error))),
      Effect.mapError(fromVpp("set up the port"))
    )
  // VPP replies in order, so this reads the result of the steps before.
  const read = Effect.mapError(byIndex(session, index), fromVpp("set up the port"))
  const steps = [...before, ...settings(session, plan, index)]
  const both = { concurrency: "unbounded" } as const
  if (network.netType === "bridge") {
    const [, domain] = yield* Effect.all([apply(steps), refuseConflict(session, "set up the port", network)], both)
    const [, there] = yield* Effect.all([apply([...Bridging.limitMacs(session, domain), up]), read], both)
    return there
  }
  const [, there] = yield* Effect.all([apply([...steps, up]), read], both)
  return there
})

/** Fails when a bridge domain of ours is used for something else. Returns the one that the port joins, if it is there. */
export const refuseConflict = Effect.fnUntraced(function* (session: Session, operation: string, bridge: Bridge) {
  const number = Bridging.numberOf(bridge)
  const there = yield* Effect.mapError(Bridging.find(session, number), fromVpp(`inspect bridge domain ${number}`))
  const other = Bridging.conflict(bridge, there)
  return other === undefined ? there : yield* toError(operation, otherBridge(number, other))
})

/** Refuses an address that is already routed elsewhere. */
export const refuseTaken = Effect.fnUntraced(function* (
  session: Session,
  operation: string,
  { routes }: HostAddresses.Plan,
  own?: number
) {
  const taken = yield* Effect.mapError(HostAddresses.takenRoute(session, routes, own), fromVpp("inspect the routes"))
  if (taken !== undefined) return yield* toError(operation, routeTaken(taken.to, taken.name))
})

/** The settings of the port, except up. All but addresses can be set again without other effects. */
const settings = (
  session: Session,
  { addresses, policing, port, request }: Plan,
  index: number
): ReadonlyArray<Step> => {
  const tag = toTag(markOf(request.attachment, request.invocation, policing?.kept))
  return [
    ...(port.iftype === "memif" ? [step(tagAddDel, { is_add: true, sw_if_index: index, tag })] : []),
    ...(port.mtu === undefined ? [] : withMtu(index, port.mtu)),
    ...(port.network.netType === "bridge" ? Bridging.join(session, index, port.network) : []),
    ...HostAddresses.addAddresses(index, addresses),
    ...(policing?.steps(index) ?? [])
  ]
}

/** No such driver, or no Ethernet: vhost-user, and memif in mode ip. Their MTU is that of layer 3. */
const noHardwareMtu = [-126, -30]

export const withMtu = (index: number, mtu: number): ReadonlyArray<Step> => [
  step(setHardwareMtu, { sw_if_index: index, mtu }, noHardwareMtu),
  step(setMtu, { sw_if_index: index, mtu: [mtu, 0, 0, 0] })
]

const allowed = "with nothing but letters, digits, `.`, `_`, `-` and `/`"

/** A directory whose path VPP does not accept is reached through a link in the other directory. */
const shorter = (path: string): string =>
  isShortLink(dirname(path))
    ? `Use a shorter stateDir or socketfile, ${allowed}: the short link to the sharedDir is in stateDir.`
    : `Use a shorter sharedDir, ${allowed}.`

/** Checks the path itself. Pure. */
const pathProblem = (session: Session, port: VppPort, path: string): PortError | undefined => {
  // An abstract socket has a name, and no path.
  if (port.iftype === "memif" && port.abstract) return undefined
  const strict = port.iftype === "memif" && session.offers(socketFilenameAddDelV2)
  const limit = strict ? maximumPathBytes - 1 : maximumPathBytes
  const bytes = pathBytes(path)
  if (!path.startsWith("/"))
    return socketRefused(
      `socket path ${path} is not absolute`,
      "Set an absolute sharedDir: VPP would create the socket in its own run directory."
    )
  if (bytes > limit) return socketRefused(`socket path ${path} has ${bytes} bytes, it may have ${limit}`, shorter(path))
  const [foreign] = strict ? (/[^A-Za-z0-9_./-]/.exec(path) ?? []) : []
  return foreign === undefined
    ? undefined
    : socketRefused(`socket path ${path} has a ${JSON.stringify(foreign)}, which VPP does not accept`, shorter(path))
}

/**
 * Checks a socket's path before VPP gets it. VPP deletes any file at the path of a vhost-user server; until 23.02 it
 * takes over a memif path with another listener; and a socket id is unusable after a failed bind. So such paths are
 * refused here. `early`: ADD has not created the directory yet, so a missing one is no problem.
 */
export const inspectSocket = Effect.fnUntraced(function* (
  files: Files["Service"],
  sockets: Sockets["Service"],
  session: Session,
  port: VppPort,
  path: string,
  early: boolean
) {
  const operation = "inspect the socket"
  const problem = pathProblem(session, port, path)
  if (problem !== undefined) return yield* toError(operation, problem)
  if (!madeByVpp(port)) return
  const look = (at: string) => Effect.mapError(files.lstat(at), fromFile(operation))
  if ((yield* look(dirname(path))) === undefined) {
    if (early) return
    return yield* toError(
      operation,
      socketRefused(`directory ${dirname(path)} does not exist`, "Create it, or set sharedDir to another directory.")
    )
  }
  const there = yield* look(path)
  if (there === undefined) return
  const cure = "Check whose it is (`ss -xlp`) and remove it, or set another socketfile."
  if (there.kind !== "socket")
    return yield* toError(operation, socketRefused(`a ${there.kind} exists at ${path}`, cure))
  // A socket without a listener is left over from a VPP that has ended. VPP replaces it.
  const listening = yield* Effect.scoped(sockets.connect(path)).pipe(
    Effect.as(true),
    Effect.catchIf(
      ({ code }) => code === "ECONNREFUSED" || code === "ENOENT",
      () => Effect.succeed(false)
    ),
    Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed(true) }),
    Effect.orElseSucceed(() => true)
  )
  if (listening) return yield* toError(operation, socketRefused(`another process listens on ${path}`, cure))
})
