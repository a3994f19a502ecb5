/**
 * The switches of a process of many calls, with one connection to each. It is opened when it is first needed, closed after
 * a minute without users, and opened again by the next user when it is lost.
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import * as RcMap from "effect/RcMap"
import { newSwitch } from "../app/Composition.ts"
import type { Control } from "../cni/network/HostPort.ts"
import type { VppClient } from "../vpp/client/VppClient.ts"

const idle = "1 minute"

export interface Kept extends Control {
  readonly since: string
}

/**
 * Identifies the socket at a path. Another socket is another switch, even while the connection to the first is open.
 */
const socketAt = (path: string): Effect.Effect<string> =>
  Effect.callback((resume) =>
    Fs.stat(path, (error, there) => resume(Effect.succeed(error ? "none" : `${there.dev}:${there.ino}`)))
  )

const nameOf = ({ control, engine }: Control, socket: string): string => [engine, socket, control].join(" ")

const controlOf = (name: string): Control => {
  const [engine, , ...control] = name.split(" ")
  return { engine: engine === "vpp" ? "vpp" : "ovs-dpdk", control: control.join(" ") }
}

/** Calls for VPP share a session; the process of one call has one for each piece of work. */
const oneSession = <R>(make: Effect.Effect<VppClient["Service"], never, R>) =>
  Effect.flatMap(
    Effect.promise(() => import("../vpp/client/SharedSession.ts")),
    ({ shared }) => shared(make, idle)
  )

/** The scope closes them. */
export const make = Effect.gen(function* () {
  const kept = new Map<string, Kept>()
  const switches = yield* RcMap.make({
    lookup: (name: string) => {
      const control = controlOf(name)
      return Effect.acquireRelease(
        Effect.sync(() => kept.set(name, { ...control, since: new Date().toISOString() })),
        () => Effect.sync(() => kept.delete(name))
      ).pipe(Effect.andThen(newSwitch(control, { VppClient: oneSession })))
    },
    idleTimeToLive: idle
  })
  return {
    at: (control: Control) =>
      Effect.flatMap(socketAt(control.control), (socket) => RcMap.get(switches, nameOf(control, socket))),
    kept: (): ReadonlyArray<Kept> => [...kept.values()]
  }
})
