/**
 * The layer of {@link Vswitch} for VPP. Each verb is one session with VPP, except that `plug` goes on with the one of its
 * preflight. The messages of a verb are checked before the first change.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type { VppPort } from "../cni/network/HostPort.ts"
import { ErrorCodes } from "../cni/types/CniError.ts"
import { keyOf } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import { Sockets } from "../platform/Sockets.ts"
import { rolledBack } from "../program/Step.ts"
import {
  Found,
  type LegacyPorts,
  noLegacyPorts,
  type PortRequest,
  Vswitch,
  type VswitchError
} from "../vswitch/Vswitch.ts"
import { check, toList, toPlug } from "./client/RequiredMessages.ts"
import type { Session } from "./client/Session.ts"
import { configured, VppClient } from "./client/VppClient.ts"
import { fromVpp, needs, notForVpp, toError, type VppError } from "./client/VppError.ts"
import * as HostAddresses from "./interfaces/HostAddresses.ts"
import { markOf } from "./interfaces/Mark.ts"
import { createMemifV2, socketFilenameAddDelV2 } from "./messages/Ports.ts"
import { type FreeSlot, inspectSocket, look, type Plan, plug } from "./Plug.ts"
import { unplug } from "./Unplug.ts"

/** A session for work on the attachment with this key, alone. */
export type OpenSession = (key: string) => Effect.Effect<Session, VswitchError, Scope.Scope>

/** Of the original plugin. */
export type LegacyPortsOf = (open: OpenSession, files: Files["Service"]) => Effect.Effect<LegacyPorts>

const none: LegacyPortsOf = () => Effect.succeed(noLegacyPorts)

/** A new one for each client, because two switches must not share a constant layer. */
export const layer = (legacyPorts?: LegacyPortsOf) => Layer.effect(Vswitch, make(legacyPorts))

const make = Effect.fnUntraced(function* (legacyPorts: LegacyPortsOf = none) {
  const client = yield* VppClient
  const files = yield* Files
  const sockets = yield* Sockets

  // VPP has no transactions and reuses sw_if_index values, so every change holds a per-attachment lock.
  const alone = (key: string) => Effect.tap(client.open, client.alone(key))

  /** For what removes a port. */
  const openToRemove: OpenSession = Effect.fnUntraced(
    function* (key) {
      const session = yield* alone(key)
      yield* check(session, toList)
      return session
    },
    Effect.mapError(fromVpp("unplug"))
  )

  const able = Effect.fnUntraced(function* (session: Session, operation: string, port: VppPort) {
    yield* check(session, toPlug(session, port))
    const lacking = tooNew(session, port)
    if (lacking !== undefined) return yield* toError(operation, needs(lacking, "23.06"))
  })

  const atSocket = (session: Session, { port, request }: Plan, early: boolean) =>
    inspectSocket(files, sockets, session, port, request.socketPath, early)

  /** For an ADD. Whoever restores has waited, or knows that there is nothing to wait for (`VppWatch.ts`). */
  const starting = configured(files, client.peer)

  /** Nothing is changed before this returns. */
  const ready = Effect.fnUntraced(function* (session: Session, operation: string, plan: Plan, early: boolean) {
    yield* able(session, operation, plan.port)
    const place = yield* look(session, plan, operation === "restore" ? Effect.succeed(false) : starting)
    yield* atSocket(session, plan, early)
    return place
  })

  return Vswitch.of({
    // Preflight only reads, so it needs no limits.
    preflight: Effect.fnUntraced(
      function* (request) {
        const plan = yield* planFor("plug", request)
        const scope = yield* Scope.fork(yield* Effect.scope)
        const inspected = Effect.gen(function* () {
          const session = yield* alone(keyOf(request.attachment))
          const slot = yield* ready(session, "plug", plan, true)
          return new Reserved(session, slot, scope)
        })
        return yield* inspected.pipe(
          Scope.provide(scope),
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
        )
      },
      Effect.mapError(fromVpp("plug"))
    ),

    // There are two scopes. A failure rolls the port back in the inner one, while the session exists. What it cannot
    // roll back, because the session is gone, the caller removes with `unplug`.
    plug: Effect.fnUntraced(function* (request, found) {
      const plan = yield* planFor("plug", request)
      if (!(found instanceof Reserved)) return yield* Effect.die("plug on VPP without its preflight")
      const { release, session, slot } = found
      yield* Effect.addFinalizer(() => release)
      yield* atSocket(session, plan, false)
      return yield* rolledBack(plug(session, files, yield* limited(session, plan), slot))
    }, ended("plug")),

    restore: Effect.fnUntraced(function* (request) {
      const wanted = yield* planFor("restore", request)
      const session = yield* alone(keyOf(request.attachment))
      yield* check(session, toPlug(session, wanted.port))
      const plan = yield* limited(session, wanted)
      const { complete } = yield* inspection
      const there = yield* complete(session, plan)
      if (there !== undefined) return there
      const place = yield* ready(session, "restore", plan, false)
      const { port } = yield* Effect.scoped(plug(session, files, plan, place))
      return { port, socketAt: undefined, made: [`interface ${port}`] }
    }, ended("restore")),

    unplug: Effect.fnUntraced(function* (what) {
      const session = yield* openToRemove(what.key ?? keyOf(what.attachment))
      return yield* unplug(session, files, what)
    }, Effect.scoped),

    verify: Effect.fnUntraced(function* (request) {
      const plan = yield* planFor("check", request)
      const session = yield* client.open
      yield* check(session, toPlug(session, plan.port))
      const { verify } = yield* inspection
      return yield* verify(session, yield* limited(session, plan))
    }, ended("check")),

    list: Effect.fnUntraced(function* (network) {
      const session = yield* client.open
      yield* check(session, toList)
      const { list } = yield* inspection
      return yield* list(session, network)
    }, ended("list ports")),

    status: Effect.fnUntraced(function* (port) {
      if (port.engine !== "vpp") return yield* toError("status", notForVpp(port.engine))
      yield* able(yield* client.open, "status", port)
    }, ended("status")),

    connections: Effect.fnUntraced(function* (keys) {
      const { connections } = yield* inspection
      return yield* connections(yield* client.open, keys)
    }, ended("read connections")),

    traffic: Effect.gen(function* () {
      const { operation, traffic } = yield* Effect.promise(() => import("./VppTraffic.ts"))
      return yield* traffic(yield* Effect.mapError(client.open, fromVpp(operation)))
    }).pipe(Effect.scoped),

    // `unplug` finds them by their sockets.
    legacy: legacyPorts(openToRemove, files)
  })
})

/** A free number, and the session that holds the attachment's lock since it was found. The scope is the session's. */
class Reserved extends Found {
  readonly release: Effect.Effect<void>
  readonly session: Session
  readonly slot: FreeSlot
  constructor(session: Session, slot: FreeSlot, scope: Scope.Closeable) {
    super()
    this.session = session
    this.slot = slot
    this.release = Scope.close(scope, Exit.void)
  }
}

/** What only looks, and what it restores: no ADD and no DEL needs it. */
const inspection = Effect.promise(() => import("./VppInspect.ts"))

/** Closes the session of a verb, and judges its errors. */
const ended =
  (operation: string) =>
  <A, R>(self: Effect.Effect<A, VppError | VswitchError, R>) =>
    Effect.scoped(Effect.mapError(self, fromVpp(operation)))

/** Returns a requested feature that is newer than this VPP's messages. */
const tooNew = (session: Session, port: VppPort): string | undefined => {
  if (port.iftype !== "memif") return undefined
  if (port.abstract && !session.offers(socketFilenameAddDelV2)) return "an abstract memif socket"
  return port.useDma && !session.offers(createMemifV2) ? "memif.useDma" : undefined
}

const planFor = (operation: string, request: PortRequest): Effect.Effect<Plan, VswitchError> => {
  const { port } = request
  if (port.engine !== "vpp") return Effect.fail(toError(operation, notForVpp(port.engine)))
  const addresses = HostAddresses.plan(port.network.netType === "interface" ? request.addresses : [])
  return Result.isFailure(addresses)
    ? Effect.fail(
        toError(operation, {
          code: ErrorCodes.InvalidConfiguration,
          answer: addresses.failure,
          cure: "Check the configuration of the IPAM plugin, which assigned it."
        })
      )
    : Effect.succeed({ request, port, addresses: addresses.success, policing: undefined })
}

/** Adds the limits that this VPP supports. Their code is loaded only for ports with limits. */
const limited = (session: Session, plan: Plan): Effect.Effect<Plan> =>
  plan.port.limits.length === 0
    ? Effect.succeed(plan)
    : Effect.map(
        Effect.promise(() => import("./interfaces/Policers.ts")),
        ({ policing }) => ({
          ...plan,
          policing: policing(session, plan.port, markOf(plan.request.attachment, ""))
        })
      )
