/**
 * All edges of the executable, on bun where that starts faster than Node's modules. HTTPS is only for networks with a
 * kubeconfig, and is loaded on first use. The edges are one layer, because merging six layers takes a fiber each.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Files } from "../Files.ts"
import { Https } from "../Https.ts"
import { Namespaces } from "../Namespaces.ts"
import { Processes } from "../Processes.ts"
import { Slots } from "../Slots.ts"
import { Sockets } from "../Sockets.ts"
import { processes } from "./BunProcesses.ts"
import { slots } from "./BunSlots.ts"
import { sockets } from "./BunSockets.ts"

const https = Https.of({
  send: (request) =>
    Effect.flatMap(
      Effect.promise(() => import("./BunHttps.ts")),
      ({ send }) => send(request)
    )
})

export const layer = Layer.syncContext(() =>
  Context.make(Files, Files.make()).pipe(
    Context.add(Https, https),
    Context.add(Namespaces, Namespaces.make()),
    Context.add(Processes, processes),
    Context.add(Slots, slots),
    Context.add(Sockets, sockets)
  )
)
