/** For commands that look at a node: whether calls on it are served by an agent. */
import * as Effect from "effect/Effect"
import { get } from "../../agent/HttpGet.ts"
import { socketIn, statusPath } from "../../agent/Protocol.ts"
import { decodeStatus } from "../../agent/Status.ts"
import { Files } from "../../platform/Files.ts"
import { InvocationContext } from "../input/InvocationContext.ts"

/** Null: there is none, or none that answers. */
export const agentThere = Effect.gen(function* () {
  const files = yield* Files
  const socket = socketIn((yield* InvocationContext).variables)
  if (socket === undefined) return null
  const there = yield* Effect.orElseSucceed(files.lstat(socket), () => undefined)
  if (there?.kind !== "socket") return null
  return yield* get(socket, statusPath).pipe(
    Effect.flatMap(({ text }) => decodeStatus(text)),
    Effect.map(({ pid, state, version }) => ({ socket, pid, state, version })),
    Effect.orElseSucceed(() => null)
  )
})

export type AgentThere = Effect.Success<typeof agentThere>

export const agentJson = (agent: AgentThere) => (agent === null ? {} : { agent })

/** A line for it, behind the others. */
export const withAgent = (text: string, agent: AgentThere): string =>
  agent === null
    ? text
    : `${text}\nCalls are served by the agent on ${agent.socket} (process ${agent.pid}, version ${agent.version}, ${agent.state}).`
