/**
 * The switches of a process of many calls, with one connection to each: opened when it is needed, closed after a minute
 * without users, and opened again by the next user when it is lost.
 */
import * as Fs from "node:fs"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import { engineFor } from "../app/Composition.ts"
import type { Control } from "../cni/network/HostPort.ts"
import type { VppClient } from "../vpp/client/VppClient.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"

const idle = "1 minute"

interface Kept extends Control {
  readonly since: string
}

/** Identifies the socket at a path: another one is another switch, even while the connection to the first is open. */
const socketAt = (path: string): Effect.Effect<string> =>
  Effect.callback((resume) =>
    Fs.stat(path, (error, there) => resume(Effect.succeed(error ? "none" : `${there.dev}:${there.ino}`)))
  )

interface Key extends Control {
  readonly socket: string
}

/** Calls for VPP share a session; the process of one call has one for each piece of work. */
const oneSession = <R>(make: Effect.Effect<VppClient["Service"], never, R>) =>
  Effect.flatMap(
    Effect.promise(() => import("../vpp/client/SharedSession.ts")),
    ({ shared }) => shared(make, idle)
  )

/** The scope closes them. */
export const make = Effect.gen(function* () {
  const kept = new Set<Kept>()
  const switches = yield* RcMap.make({
    lookup: ({ control, engine }: Key) =>
      Effect.acquireRelease(
        Effect.sync((): Kept => {
          const one = { engine, control, since: new Date().toISOString() }
          kept.add(one)
          return one
        }),
        (one) => Effect.sync(() => kept.delete(one))
      ).pipe(
        Effect.andThen(
          Effect.map(Layer.build(engineFor({ engine, control }, { VppClient: oneSession })), Context.get(Vswitch))
        )
      ),
    idleTimeToLive: idle
  })
  return {
    at: ({ control, engine }: Control) =>
      Effect.flatMap(socketAt(control), (socket) => RcMap.get(switches, { engine, control, socket })),
    kept: (): ReadonlyArray<Kept> => [...kept]
  }
})
