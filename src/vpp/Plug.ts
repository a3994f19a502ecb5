/**
 * Makes one port, whole or not at all. Each change is registered for undo before it is made; the undo looks at what is
 * there and takes back only what this ADD made, so that a lost answer, an interruption and a second ADD of the same
 * attachment are all the same to it.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { keyOf } from "../attachment/Attachment.ts"
import { revertible } from "../attachment/Revertible.ts"
import type { VppMemifPort, VppPort, VppVhostPort } from "../cni/HostPort.ts"
import type { Files } from "../platform/Files.ts"
import type { PortRequest } from "../vswitch/Vswitch.ts"
import type { VswitchError } from "../vswitch/VswitchError.ts"
import { run, type Step, step } from "./Batch.ts"
import * as Bridging from "./Bridging.ts"
import * as HostAddresses from "./HostAddresses.ts"
import { byIndex, byName, type Interface } from "./Interfaces.ts"
import { fromTag, markOf, selects, toTag } from "./Mark.ts"
import * as Memif from "./Memif.ts"
import { adminUp, setFlags, setHardwareMtu, setMtu, tagAddDel } from "./messages/Interface.ts"
import type { Policing } from "./Policers.ts"
import { attempts, type PortKind, portName, portNumber } from "./PortName.ts"
import { alreadyAttached, fromFile, fromVpp, notMade, routeTaken, socketRefused, toError } from "./Refusal.ts"
import { removeInterface } from "./Removal.ts"
import type { Session } from "./Session.ts"
import { madeByVpp } from "./SocketSurvey.ts"
import * as VhostUser from "./VhostUser.ts"
import type { VppError } from "./VppError.ts"

export interface Plan<P extends VppPort = VppPort> {
  readonly request: PortRequest
  readonly port: P
  readonly addresses: HostAddresses.Plan
  /** Undefined: no limit is asked for. */
  readonly policing: Policing | undefined
}

type Fs = Files["Service"]

/** In the scope of the caller: what is undone when that ends without success. */
export const plug = Effect.fnUntraced(function* (session: Session, files: Fs, plan: Plan, place: Place) {
  const { addresses, policing, port } = plan
  const { network } = port
  yield* refuseTaken(session, "plug", addresses)
  for (const what of policing?.unkept ?? []) yield* Effect.logWarning(what)
  let unmarked = false
  if (network.netType === "bridge") {
    const leave = Effect.suspend(() => Bridging.removeUnused(session, network.bridgeDomain, unmarked))
    yield* revertible("join the bridge domain", Effect.void, leave)
  }
  const index =
    port.iftype === "memif"
      ? yield* plugMemif(session, files, { ...plan, port }, place)
      : yield* plugVhost(session, files, { ...plan, port }, place)
  const setUp = Effect.tapError(run(session, settings(session, plan, index)), (error) =>
    Effect.sync(() => {
      unmarked = Bridging.notMade(error)
    })
  )
  // VPP answers in order: what is read is what the steps before have made.
  const [, there] = yield* Effect.all([setUp, byIndex(session, index)], { concurrency: "unbounded" }).pipe(
    Effect.tap(run(session, HostAddresses.addRoutes(index, addresses))),
    Effect.mapError(fromVpp("set up the port"))
  )
  return yield* made(files, plan, there)
})

/** What has the container's address, by another's doing or by a range that two networks share, is not taken from it. */
export const refuseTaken = Effect.fnUntraced(function* (
  session: Session,
  operation: string,
  { routes }: HostAddresses.Plan,
  own?: number
) {
  const taken = yield* Effect.mapError(HostAddresses.takenRoute(session, routes, own), fromVpp("look at the routes"))
  if (taken !== undefined) return yield* toError(operation, routeTaken(taken.to, taken.name))
})

/** What makes an interface the port. All but addresses can be set again with no other effect. */
export const settings = (
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
    ...(policing?.steps(index) ?? []),
    step(setFlags, { sw_if_index: index, flags: adminUp })
  ]
}

/** No such driver, or no Ethernet: vhost-user, and memif in mode ip. They keep to the MTU of layer 3. */
const noHardwareMtu = [-126, -30]

export const withMtu = (index: number, mtu: number): ReadonlyArray<Step> => [
  step(setHardwareMtu, { sw_if_index: index, mtu }, noHardwareMtu),
  step(setMtu, { sw_if_index: index, mtu: [mtu, 0, 0, 0] })
]

/** A number that nobody has, and the name that it gives. */
export interface Place {
  readonly attempt: number
  readonly number: number
  readonly name: string
}

/** Finds one. A port that has ours and no tag is of this attachment as well: its ADD was killed, or still runs. */
const free = Effect.fnUntraced(function* (session: Session, kind: PortKind, { request }: Plan, from = 0) {
  const key = keyOf(request.attachment)
  for (let attempt = from; attempt < attempts; attempt++) {
    const number = portNumber(key, attempt)
    const name = portName(kind, number)
    const there = yield* Effect.mapError(byName(session, name), fromVpp(`look for ${name}`))
    if (there === undefined) return { attempt, number, name }
    if (there.tag === "" || fromTag(there.tag)?.key === key) return yield* toError("plug", alreadyAttached(name))
  }
  return yield* toError(
    "plug",
    notMade("every number that the port could have is taken", "Remove the interfaces that take them.")
  )
})

/** Fails when the attachment has a port. */
export const look = (session: Session, plan: Plan) => free(session, plan.port.iftype, plan)

const plugMemif = Effect.fnUntraced(function* (
  session: Session,
  files: Fs,
  plan: Plan<VppMemifPort>,
  { attempt, name, number }: Place
): Effect.fn.Return<number, VswitchError, Scope.Scope> {
  const { port, request } = plan
  const filename = Memif.filenameOf(request, port)
  let ours = false
  const register = Effect.suspend(() => {
    ours = true
    return Effect.tap(Memif.register(session, number, filename), (answer) =>
      Effect.sync(() => {
        ours = answer === "registered"
      })
    )
  })
  const registered = yield* revertible(
    "register the memif socket",
    Effect.mapError(register, fromVpp(`register socket ${filename}`)),
    Effect.suspend(() => (ours ? Memif.unregister(session, number) : Effect.void))
  )
  if (registered === "taken") {
    return yield* plugMemif(session, files, plan, yield* free(session, "memif", plan, attempt + 1))
  }
  const { alone, index } = yield* create(session, files, plan, name, Memif.create(session, port, number, filename))
  return alone ? index : yield* toError("plug", alreadyAttached(name))
})

const plugVhost = (session: Session, files: Fs, plan: Plan<VppVhostPort>, { name, number }: Place) =>
  create(session, files, plan, name, VhostUser.create(session, plan.request, plan.port, number, plan.policing?.kept))

/** What `make` gives. Undone when VPP has done it, or when its answer was lost; not when it refused. */
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
        asked = reason._tag !== "Refused" || Memif.isRegistration(reason.name)
      })
    )
  })
  const takeBack = Effect.gen(function* () {
    const there = asked ? yield* byName(session, name) : undefined
    // The tag of a memif comes in a second step.
    if (there === undefined || !(selects(who, there.tag) || there.tag === "")) return
    yield* removeInterface(session, files, there, {
      routes: addresses.routes,
      limited: policing?.kept === true ? markOf(request.attachment, "") : undefined,
      socketFile: madeByVpp(port) ? request.socketPath : undefined
    })
  })
  return revertible(`create ${name}`, Effect.mapError(attempt, fromVpp(`create ${name}`)), takeBack)
}

/** VPP says it is done: now it is looked at. */
const made = Effect.fnUntraced(function* (files: Fs, { port, request }: Plan, there: Interface | undefined) {
  if (there === undefined || !selects({ key: keyOf(request.attachment), invocation: request.invocation }, there.tag)) {
    return yield* toError(
      "plug",
      notMade("the interface that it made is not there any more", "Did somebody remove it, or VPP restart? Try again.")
    )
  }
  if (madeByVpp(port)) {
    const file = yield* Effect.mapError(files.lstat(request.socketPath), fromFile("look at the socket"))
    if (file?.kind !== "socket") {
      return yield* toError(
        "plug",
        socketRefused(
          `VPP says it listens on ${request.socketPath}, but there is no socket`,
          "VPP and the plugin must see that directory under the same path: mount it into VPP's container."
        )
      )
    }
  }
  return { port: there.interface_name, socketAt: undefined, mtu: there.mtu[0] || there.link_mtu || undefined }
})
