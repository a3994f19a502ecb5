/** A `userspace agent` of the test's own, and calls through it. */
import { readdirSync, readlinkSync } from "node:fs"
import { Effect, type Scope } from "effect"
import { readyPath, statusPath } from "../../../src/agent/Protocol.ts"
import { decodeStatus, get, type NoAgent, type Reply, type Status } from "../../../src/agent/Status.ts"
import { until } from "../../support/Until.ts"
import { executable } from "./Machine.ts"
import { cleanEnvironment, ProgramError, type Running, start } from "./Program.ts"

export interface Agent {
  readonly socket: string
  readonly running: Running
  readonly get: (path: string) => Effect.Effect<Reply, NoAgent>
  readonly status: Effect.Effect<Status, unknown>
  /** Polls until it is true. */
  readonly until: (what: string, there: (status: Status) => boolean) => Effect.Effect<Status, unknown>
  /** The environment of a call. */
  readonly environment: { readonly USERSPACE_AGENT: string }
  /** Number of its descriptors that lead there. */
  readonly opened: (path: string) => number
}

export const handedTo = (socket: string) => ({ USERSPACE_AGENT: socket })

/** Serves calls when this returns, and until the scope ends. */
export const agent = Effect.fn("Agent.start")(function* (
  socket: string,
  env: Readonly<Record<string, string>> = {},
  program = executable
): Effect.fn.Return<Agent, unknown, Scope.Scope> {
  const running = yield* start(program, ["agent", "--socket", socket, "--state-dir", `${socket}.state`], {
    env: { ...cleanEnvironment, UV_THREADPOOL_SIZE: "16", ...env },
    stop: "SIGTERM"
  })
  const status = Effect.flatMap(get(socket, statusPath), ({ text }) => decodeStatus(text))
  const ready = until("an agent that is ready", get(socket, readyPath), ({ status }) => status === 200)
  const ended = Effect.flatMap(running.outcome, ({ stderr }) =>
    Effect.fail(new ProgramError({ program: "userspace agent", problem: `has ended: ${stderr}` }))
  )
  yield* Effect.raceFirst(ready, ended)
  return {
    socket,
    running,
    get: (path) => get(socket, path),
    status,
    until: (what, there) => until(what, status, there),
    environment: handedTo(socket),
    opened: (path) =>
      readdirSync(`/proc/${running.pid}/fd`).filter((fd) => {
        const link = Effect.runSync(
          Effect.orElseSucceed(
            Effect.try(() => readlinkSync(`/proc/${running.pid}/fd/${fd}`)),
            () => ""
          )
        )
        return link === path
      }).length
  }
})
