/**
 * The world as the executable reaches it: every edge, on bun where that starts faster than Node's modules. HTTPS is for
 * networks with a kubeconfig, and loaded when it is first spoken.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BunProcesses from "./BunProcesses.ts"
import * as BunSlots from "./BunSlots.ts"
import * as BunSockets from "./BunSockets.ts"
import { Files } from "./Files.ts"
import { Https } from "./Https.ts"
import { Namespaces } from "./Namespaces.ts"

const https = Layer.succeed(
  Https,
  Https.of({
    send: (request) =>
      Effect.flatMap(
        Effect.promise(() => import("./BunHttps.ts")),
        ({ send }) => send(request)
      )
  })
)

export const layer = Layer.mergeAll(
  Files.layer,
  https,
  Namespaces.layer,
  BunProcesses.layer,
  BunSlots.layer,
  BunSockets.layer
)
