/** The edge to the stats segment: receives its descriptor. The executable can do this; Node has no call for it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Receive } from "../../platform/PassedFile.ts"
import { SocketError } from "../../platform/Sockets.ts"

export const ReceiveFile = Context.Reference<Receive>("userspace-cni/ReceiveFile", {
  defaultValue: () => (path) =>
    Effect.tryPromise({
      try: () => import("../../platform/bun/libc/BunPassedFile.ts"),
      catch: () => new SocketError({ path, code: "ENOSYS", operation: "read" })
    }).pipe(Effect.flatMap(({ receive }) => receive(path)))
})
