/** `userspace agent`, carried out: its edges are those of a process of many calls. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import { agent } from "../../agent/Agent.ts"
import { defaultLogOptions } from "../../cni/network/LogOptions.ts"
import * as BunEdges from "../../platform/bun/BunEdges.ts"
import * as WaitingFiles from "../../platform/waiting/WaitingFiles.ts"
import * as WaitingNamespaces from "../../platform/waiting/WaitingNamespaces.ts"
import * as Log from "../../program/Log.ts"
import { socketAsked } from "../input/AgentSocket.ts"
import { Complaint } from "../text/CommandLineError.ts"

const edges = BunEdges.layer.pipe(Layer.merge(WaitingFiles.layer()), Layer.merge(WaitingNamespaces.layer()))

/** The agent's own lines. A call's have its network's level, and go where they go without an agent. */
const log = Log.layer({ ...defaultLogOptions, level: "Info" })

export const performAgent = Effect.fnUntraced(function* (options: { readonly socket: Option.Option<string> }) {
  const socket = yield* socketAsked(options.socket)
  // It ends when it is told to, and that is well.
  process.exitCode = 0
  yield* agent({ socket }).pipe(
    Effect.provide(edges),
    Effect.provide(log),
    Effect.tapError(() =>
      Effect.sync(() => {
        process.exitCode = 1
      })
    ),
    Effect.mapError(({ answer, cure }) => new Complaint({ failed: "cannot serve calls", answer, cure }))
  )
})
