/**
 * Creates one port, completely or not at all. Each change is registered for rollback before it is made. The rollback
 * inspects what exists and removes only what this ADD created, so that a lost reply, an interruption and a second ADD
 * of the same attachment are handled alike.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { VppMemifPort, VppVhostPort } from "../../cni/network/HostPort.ts"
import { keyOf } from "../../identity/Attachment.ts"
import type { Files } from "../../platform/Files.ts"
import { revertible } from "../../program/Step.ts"
import type { VswitchError } from "../../vswitch/Vswitch.ts"
import { run, type Session } from "../client/Session.ts"
import * as Bridging from "../interfaces/Bridging.ts"
import * as HostAddresses from "../interfaces/HostAddresses.ts"
import { byName, type Interface } from "../interfaces/Interfaces.ts"
import { attempts, fromTag, markOf, type PortKind, portName, portNumber, selects } from "../interfaces/Mark.ts"
import * as Memif from "../interfaces/Memif.ts"
import { alreadyAttached, fromFile, fromVpp, notMade, socketRefused, toError } from "../interfaces/PortError.ts"
import * as VhostUser from "../interfaces/VhostUser.ts"
import type { VppError } from "../wire/VppError.ts"
import type { Alone } from "./EarlierVlans.ts"
import * as EarlierVlans from "./EarlierVlans.ts"
import { inspectDomain, type Plan, refuseTaken, setUp } from "./SetUp.ts"
import { removeInterface } from "./Unplug.ts"

type Fs = Files["Service"]

/** Runs in the caller's scope, which rolls back unless it ends with success. */
export const plug = Effect.fnUntraced(function* (session: Session, files: Fs, alone: Alone, plan: Plan, place: Found) {
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
  const plugged = yield* made(files, plan, there)
  if (place.earlier && network.netType === "bridge") {
    yield* EarlierVlans.move(session, alone, network.bridgeDomain)
  }
  return plugged
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

export interface Found {
  readonly attempt: number
  /** A free number, and the name that results from it. */
  readonly number: number
  readonly name: string
  /** True: ports of an earlier release may have to be moved. */
  readonly earlier: boolean
}

/**
 * Fails when the attachment has a port, and when its bridge domain is something else. A bridge domain that is missing
 * is looked for again when `configured` had to wait for a VPP that has just started, which may be about to make it.
 */
export const look = Effect.fnUntraced(function* (session: Session, plan: Plan, configured: Effect.Effect<boolean>) {
  const place = yield* free(session, plan.port.iftype, plan)
  const { network } = plan.port
  if (network.netType !== "bridge") return { ...place, earlier: false }
  const seen = yield* inspectDomain(session, network)
  const again = seen.missing && (yield* configured)
  return { ...place, earlier: (again ? yield* inspectDomain(session, network) : seen).earlier }
})

type Place = Omit<Found, "earlier">

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
        asked = reason._tag !== "Refused" || Memif.isRegistration(reason.name)
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
      socketFile: Memif.madeByVpp(port) ? request.socketPath : undefined
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
  if (Memif.madeByVpp(port)) {
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
