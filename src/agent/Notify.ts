/** Notifies systemd of the agent's state (sd_notify(3)), if systemd asked for it. */
import * as Effect from "effect/Effect"

const socket = process.env["NOTIFY_SOCKET"]

export const notify = (state: string): Effect.Effect<void> =>
  socket === undefined || socket === ""
    ? Effect.void
    : Effect.ignore(
        Effect.flatMap(
          Effect.tryPromise(() => import("../platform/bun/libc/BunDatagram.ts")),
          ({ send }) => Effect.try(() => send(socket, state))
        )
      )
