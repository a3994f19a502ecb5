/** The agent of this node: its socket, whether it serves calls, and its status as text. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { socketIn, socketVariable, statusPath } from "../../agent/Protocol.ts"
import { decodeStatus, get } from "../../agent/Status.ts"
import { version } from "../../app/Version.ts"
import { Files } from "../../platform/Files.ts"
import { CommandLineError, InvocationContext } from "./Printer.ts"

export const statusOn = (socket: string) => Effect.flatMap(get(socket, statusPath), ({ text }) => decodeStatus(text))

/** Null: there is none, or it does not answer. */
export const agentThere = Effect.gen(function* () {
  const files = yield* Files
  const socket = socketIn((yield* InvocationContext).variables)
  if (socket === undefined) return null
  const there = yield* Effect.orElseSucceed(files.lstat(socket), () => undefined)
  if (there?.kind !== "socket") return null
  return yield* statusOn(socket).pipe(
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
      ? `${text}\nCalls are not served by the agent on ${agent.socket} (process ${agent.pid}): ${otherVersion(agent.version)}.`
      : `${text}\nCalls are served by the agent on ${agent.socket} (process ${agent.pid}, version ${agent.version}, ${agent.state}).`

/** From flag and environment. */
export const socketAsked = Effect.fnUntraced(function* (flag: Option.Option<string>) {
  const { variables } = yield* InvocationContext
  const socket = Option.getOrUndefined(flag) ?? socketIn(variables)
  return (
    socket ??
    (yield* new CommandLineError({
      failed: "the agent has no socket",
      answer: `${socketVariable} is ${JSON.stringify(variables[socketVariable])}, which turns it off`,
      cure: "Give an absolute path: --socket PATH."
    }))
  )
})

/** The agent serves calls of its own version only. */
export const otherVersion = (agent: string): string =>
  `it has version ${agent}, and this executable ${version}; calls run in their own processes until it is restarted ` +
  "(`systemctl restart userspace-agent`)"
