/**
 * Configures the VPP in this container from its container config: interface, addresses, MTU, up, routes. Idempotent;
 * completes a run that failed or was killed.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Files } from "../../platform/Files.ts"
import { check } from "../../vpp/client/RequiredMessages.ts"
import { run, type Session, step } from "../../vpp/client/Session.ts"
import { VppClient } from "../../vpp/client/VppClient.ts"
import { fromVpp, inWords, type VppError } from "../../vpp/client/VppError.ts"
import * as Interface from "../../vpp/messages/Interface.ts"
import * as Ip from "../../vpp/messages/Ip.ts"
import { withMtu } from "../../vpp/Plug.ts"
import { ContainerError } from "../ContainerError.ts"
import type { Interface as Wanted } from "../read/Interface.ts"
import { failedTo, type Link, link } from "./Link.ts"
import { addAddresses, addRoutes } from "./Routes.ts"

export interface Configured extends Link {
  readonly name: string
  readonly addresses: ReadonlyArray<string>
  /** What was skipped, and why. */
  readonly notes: ReadonlyArray<string>
}

/** Waits for a VPP that is starting. */
export const configure = Effect.fn("configure VPP")(function* (
  interfaces: ReadonlyArray<Wanted>,
  timeout: Duration.Input
): Effect.fn.Return<ReadonlyArray<Configured>, ContainerError, Files | VppClient | Scope.Scope> {
  const session = yield* open(timeout)
  yield* ready(session)
  return yield* Effect.forEach(interfaces, (one) => configureOne(session, one))
}, Effect.scoped)

const open = (timeout: Duration.Input): Effect.Effect<Session, ContainerError, VppClient | Scope.Scope> =>
  Effect.flatMap(VppClient, ({ alone, open, peer }) =>
    open.pipe(
      Effect.retry({
        while: ({ reason }) => reason._tag === "Unreachable" && starting.includes(reason.code),
        schedule: Schedule.max([Schedule.spaced("100 millis"), Schedule.during(timeout)])
      }),
      // Concurrent runs would create the same interfaces.
      Effect.tap(alone("container")),
      Effect.mapError(unreachable(peer))
    )
  )

const starting: ReadonlyArray<string> = ["ENOENT", "ECONNREFUSED"]

const unreachable =
  (peer: string) =>
  (error: VppError): ContainerError =>
    new ContainerError({
      operation: "cannot connect to the VPP in this container",
      details: [`${peer}: ${inWords(error.reason)}`],
      cure:
        error.reason._tag === "Unreachable"
          ? "Check that VPP runs in this container, that this is its API socket (--socket; socksvr in startup.conf), and that this user may write to it."
          : fromVpp("open")(error).cure
    })

/** Checked before the first change. VPP reports other messages that a memif needs. */
const ready = (session: Session) =>
  check(session, [
    Interface.interfaceDump,
    Interface.setFlags,
    Interface.addDelAddress,
    Ip.addressDump,
    Ip.routeAddDel,
    Ip.routeDump
  ]).pipe(Effect.mapError(failedTo("the interfaces", "read its message table")))

const configureOne = Effect.fnUntraced(function* (session: Session, one: Wanted) {
  const files = yield* Files
  const linked = yield* link(session, files, one)
  const { index } = linked
  const notes = yield* addAddresses(session, index, one).pipe(
    Effect.andThen(
      run(session, [
        ...(one.mtu === undefined ? [] : withMtu(index, one.mtu)),
        step(Interface.setFlags, { sw_if_index: index, flags: Interface.adminUp })
      ])
    ),
    Effect.andThen(addRoutes(session, index, one)),
    Effect.mapError(failedTo(one.name, "set it up"))
  )
  return { name: one.name, ...linked, addresses: one.addresses.map(({ address }) => address), notes }
})
