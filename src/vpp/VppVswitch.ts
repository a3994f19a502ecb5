/**
 * The layer of {@link Vswitch} for VPP. Each verb is one session with VPP, so that nothing is held while others work
 * (but see `KeptSession.ts`); what the verb needs of VPP is asked for before anything is changed.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import { Files } from "../platform/Files.ts"
import { Sockets } from "../platform/Sockets.ts"
import { type PortRequest, Vswitch } from "../vswitch/Vswitch.ts"
import type { VswitchError } from "../vswitch/VswitchError.ts"
import * as HostAddresses from "./HostAddresses.ts"
import * as KeptSession from "./KeptSession.ts"
import { createV2 } from "./messages/Memif.ts"
import { list } from "./Owned.ts"
import { look, type Plan, plug } from "./Plug.ts"
import { fromVpp, needs, notForVpp, toError } from "./Refusal.ts"
import { check, toList, toPlug } from "./Required.ts"
import type { Session } from "./Session.ts"
import { survey } from "./SocketSurvey.ts"
import { unplug } from "./Unplug.ts"
import { verify } from "./Verify.ts"
import { VppClient } from "./VppClient.ts"

const make = Effect.gen(function* () {
  const client = yield* VppClient
  const files = yield* Files
  const sockets = yield* Sockets

  const sessions = yield* KeptSession.make(client.open)

  const open = (operation: string) => Effect.mapError(sessions.open, fromVpp(operation))

  /** Nothing is changed yet. */
  const ready = Effect.fnUntraced(function* (session: Session, operation: string, plan: Plan, early: boolean) {
    const { port, request } = plan
    yield* Effect.mapError(check(session, toPlug(session, port)), fromVpp(operation))
    if (port.iftype === "memif" && port.useDma && !session.offers(createV2)) {
      return yield* toError(operation, needs("memif.useDma", "23.06"))
    }
    const place = yield* look(session, plan)
    yield* survey(files, sockets, session, port, request.socketPath, early)
    return place
  })

  return Vswitch.of({
    preflight: Effect.fn("VppVswitch.preflight")(function* (request) {
      const plan = yield* planFor("plug", request)
      yield* sessions
        .keep((session) => ready(session, "plug", plan, true))
        .pipe(Effect.catchTag("VppError", (error) => Effect.fail(fromVpp("plug")(error))))
    }),

    // Two scopes: a failure takes the port back in the inner one, while there is still a session for it.
    plug: Effect.fn("VppVswitch.plug")(function* (request) {
      const plan = yield* planFor("plug", request)
      const session = yield* open("plug")
      const place = yield* ready(session, "plug", plan, false)
      return yield* Effect.scoped(plug(session, files, plan, place))
    }, Effect.scoped),

    unplug: Effect.fn("VppVswitch.unplug")(function* (what) {
      const session = yield* open("unplug")
      yield* Effect.mapError(check(session, toList), fromVpp("unplug"))
      return yield* unplug(session, files, what)
    }, Effect.scoped),

    verify: Effect.fn("VppVswitch.verify")(function* (request) {
      const plan = yield* planFor("check", request)
      const session = yield* open("check")
      yield* Effect.mapError(check(session, toPlug(session, plan.port)), fromVpp("check"))
      return yield* Effect.mapError(verify(session, plan), fromVpp("check"))
    }, Effect.scoped),

    list: Effect.fn("VppVswitch.list")(function* (network) {
      const session = yield* open("list ports")
      yield* Effect.mapError(check(session, toList), fromVpp("list ports"))
      return yield* Effect.mapError(list(session, network), fromVpp("list ports"))
    }, Effect.scoped),

    status: Effect.gen(function* () {
      const session = yield* open("status")
      yield* Effect.mapError(check(session, toList), fromVpp("status"))
    }).pipe(Effect.scoped, Effect.withSpan("VppVswitch.status"))
  })
})

export const layer: Layer.Layer<Vswitch, never, VppClient | Files | Sockets> = Layer.effect(Vswitch, make)

const planFor = (operation: string, request: PortRequest): Effect.Effect<Plan, VswitchError> => {
  const { port } = request
  if (port.engine !== "vpp") return Effect.fail(toError(operation, notForVpp(port.engine)))
  const addresses = HostAddresses.plan(port.network.netType === "interface" ? request.addresses : [])
  return Result.isFailure(addresses)
    ? Effect.fail(
        toError(operation, {
          code: ErrorCodes.InvalidConfiguration,
          answer: addresses.failure,
          cure: "That is what the IPAM plugin gave; look at its configuration."
        })
      )
    : Effect.succeed({ request, port, addresses: addresses.success })
}
