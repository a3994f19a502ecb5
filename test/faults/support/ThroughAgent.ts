/**
 * The calls of a node through an agent: the shipped executable hands each over to a faulty agent, whose steps go wrong as
 * ordered. An agent that has ended stays away for the calls that clean up, as on a node where nobody starts it again; the
 * next call that goes wrong finds a new one.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { Effect, Exit, Option, Scope } from "effect"
import { readyPath, statusPath } from "../../../src/agent/Protocol.ts"
import { decodeStatus, get, type Status } from "../../../src/agent/Status.ts"
import { handedTo } from "../../e2e/support/Agent.ts"
import { executable } from "../../e2e/support/Machine.ts"
import * as Plugin from "../../e2e/support/Plugin.ts"
import { cleanEnvironment, ended, type Outcome, ProgramError, type Running, start } from "../../e2e/support/Program.ts"
import { until } from "../../support/Until.ts"
import { type Serving, variable, type Wrong } from "../process/Order.ts"
import type { Blow, Called, How, Verb } from "./Ground.ts"
import { faulty, type Wanted } from "./Ways.ts"

interface Agent {
  readonly running: Running
  readonly hurried: boolean
  readonly scope: Scope.Closeable
  ended: Outcome | undefined
}

/** The names of what happens to the process of a call. */
export const strikes = ["caller SIGTERM", "caller SIGKILL"] as const

const soon = { every: "5 millis" } as const

/** What it does to itself, when that is what was ordered. */
const ends = ({ how }: Wrong): boolean => how.startsWith("SIG")

export const make = Effect.fn("ThroughAgent.make")(function* ({ called, directory, orderFor, traced }: Wanted) {
  const outer = yield* Effect.scope
  const socket = `${directory}/agent/agent.sock`
  const orders = `${directory}/orders`
  mkdirSync(dirname(socket), { mode: 0o700 })
  let nth = 0
  let one: Agent | undefined
  let caller: Running | undefined

  /** Whole, whenever the agent looks. */
  const give = (wrong: ReadonlyArray<Wrong>, how: How) => {
    writeFileSync(`${orders}.new`, JSON.stringify({ ...orderFor(wrong, how), nth: nth++ }))
    renameSync(`${orders}.new`, orders)
  }

  const status: Effect.Effect<Status, unknown> = Effect.flatMap(get(socket, statusPath), ({ text }) =>
    decodeStatus(text)
  )

  const begin = Effect.fnUntraced(function* (hurried: boolean) {
    give([], {})
    const scope = yield* Scope.fork(outer)
    const serving: Serving = { socket, orders, hurried }
    const env = { ...cleanEnvironment, UV_THREADPOOL_SIZE: "16", [variable]: JSON.stringify(serving) }
    const running = yield* Scope.provide(start(faulty, [], { env }), scope)
    const agent: Agent = { running, hurried, scope, ended: undefined }
    one = agent
    yield* Effect.forkIn(
      Effect.map(running.outcome, (outcome) => {
        agent.ended = outcome
      }),
      scope
    )
    yield* Effect.raceFirst(
      until("an agent that is ready", get(socket, readyPath), (reply) => reply.status === 200, soon),
      Effect.flatMap(running.outcome, ({ stderr }) => new ProgramError({ program: "agent", problem: stderr }))
    )
  })

  const end = Effect.suspend(() => {
    const was = one
    one = undefined
    return was === undefined ? Effect.void : Scope.close(was.scope, Exit.void)
  })

  const serving = Effect.fnUntraced(function* ({ fresh = false, hurried = false }: How) {
    if (one !== undefined && one.ended === undefined && one.hurried === hurried && !fresh) return
    yield* end
    yield* begin(hurried)
  })

  const call = Effect.fnUntraced(function* (verb: Verb, through: string) {
    const running = yield* Plugin.begin(called(verb, executable, handedTo(through)))
    caller = running
    return yield* Plugin.judge(verb, yield* ended(running))
  }, Effect.scoped)

  /** Nothing is under way in it: what it rolls back, it has rolled back. None: it has ended. */
  const atRest = until(
    "an agent at rest",
    Effect.suspend(() => (one?.ended === undefined ? Effect.asSome(status) : Effect.succeedNone)),
    Option.match({ onNone: () => true, onSome: ({ calls }) => calls.running + calls.queued === 0 }),
    soon
  )

  /** What it answered is not undone when the caller goes away after it. */
  const order = Effect.fnUntraced(function* (verb: Verb, wrong: ReadonlyArray<Wrong>, how: How) {
    yield* serving(how)
    const before = yield* status
    give(wrong, how)
    const answer = yield* call(verb, socket)
    const steps = traced()
    const isEnding = steps.some((step) => step.wrong && wrong.some((each) => ends(each) && each.step === step.step))
    if (isEnding && one !== undefined) yield* Effect.timeoutOption(one.running.outcome, "1 minute")
    const after = isEnding ? Option.none() : yield* atRest
    const outcome = one?.ended
    const unended = isEnding ? "not at all" : undefined
    const served = Option.match(after, { onNone: () => 0, onSome: ({ calls }) => calls.served - before.calls.served })
    const said: Called["agent"] = {
      answered: served > 0,
      ended: outcome === undefined ? unended : (outcome.signal ?? `exit status ${outcome.status}`)
    }
    return { ...answer, agent: said, traced: traced() }
  })

  const strike = (signal: "SIGTERM" | "SIGKILL") =>
    Effect.gen(function* () {
      const { calls } = yield* status
      yield* caller?.signal(signal) ?? Effect.die("nobody has called")
      // Until the agent knows, or has nothing to learn because the call is over.
      yield* until(
        "an agent that knows",
        status,
        (now) => now.calls.interrupted > calls.interrupted || now.calls.running === 0,
        soon
      )
    }).pipe(Effect.ignore)

  const blow = (name: (typeof strikes)[number], signal: "SIGTERM" | "SIGKILL"): Blow => ({
    name,
    strike: strike(signal),
    deaf: false
  })

  return {
    order,
    /** Nothing goes wrong. Deadlines that are shortened are not for these. */
    call: (verb: Verb) =>
      Effect.suspend(() => {
        give([], {})
        return call(verb, one?.hurried === false ? socket : "off")
      }),
    strikes: [blow("caller SIGTERM", "SIGTERM"), blow("caller SIGKILL", "SIGKILL")]
  }
})
