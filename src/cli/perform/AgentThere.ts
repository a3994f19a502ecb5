/** For commands about a node: whether an agent serves calls on it. */
import * as Effect from "effect/Effect"
import { get } from "../../agent/HttpGet.ts"
import { socketIn, statusPath } from "../../agent/Protocol.ts"
import { decodeStatus } from "../../agent/Status.ts"
import { version } from "../../app/Version.ts"
import { Files } from "../../platform/Files.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { otherVersion } from "../text/AgentText.ts"

/** Null: there is none, or it does not answer. */
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

/** Appends a line about the agent. */
export const withAgent = (text: string, agent: AgentThere): string =>
  agent === null
    ? text
    : agent.version !== version
      ? `${text}\nCalls are not served by the agent on ${agent.socket} (process ${agent.pid}): ${otherVersion(agent.version, version)}.`
      : `${text}\nCalls are served by the agent on ${agent.socket} (process ${agent.pid}, version ${agent.version}, ${agent.state}).`
