/** The resident agent beside a node under test, which heals by itself: its log, and the restored ports. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { Effect, Schedule } from "effect"
import { executable } from "./Machine.ts"
import { cleanEnvironment, type ProgramError, start, succeed } from "./Program.ts"

interface Node {
  readonly directory: string
  readonly stateDir: string
  readonly plugins: string
}

export interface Healing {
  readonly socket: string
  /** Everything that it has logged. */
  readonly log: Effect.Effect<string>
  /** Waits until it has logged this. */
  readonly says: (words: RegExp) => Effect.Effect<string, Error>
  /** `userspace agent status`. */
  readonly status: () => Effect.Effect<string, ProgramError>
}

let count = 0

const from = (program: string, ...before: ReadonlyArray<string>) =>
  Effect.fnUntraced(function* (node: Node, ...args: ReadonlyArray<string>) {
    const path = `${node.directory}/agent-${count++}.log`
    const socket = `${node.directory}/agent-${count}.sock`
    const own = ["--socket", socket, "--state-dir", node.stateDir]
    yield* start(program, [...before, "agent", ...own, "--cni-path", node.plugins, ...args], {
      env: { ...cleanEnvironment, HOME: "/root" },
      log: path,
      stop: "SIGTERM"
    })
    const log = Effect.sync(() => readFileSync(path, "utf8"))
    const says: Healing["says"] = (words) =>
      within(
        "20 seconds",
        Effect.map(log, (text) => (words.test(text) ? text : undefined)),
        Effect.map(log, (text) => `the agent does not say ${words}: ${text}`)
      )
    yield* says(/the first round of healing is done/)
    const healing: Healing = {
      socket,
      log,
      says,
      status: () => succeed(executable, ["agent", "status", "--socket", socket])
    }
    return healing
  })

/** Until the scope ends; its first round is done when it returns. */
export const healing = from(executable)

const root = resolve(import.meta.dirname, "../../..")

/** The same, from the sources, for which a minute is six seconds: `test/e2e/hurried/main.ts`. */
export const hurried = from(`${root}/node_modules/.bin/bun`, `${root}/test/e2e/hurried/main.ts`)

/** Polls until there is a result. */
export const within = <A, E, R>(
  deadline: `${number} seconds`,
  look: Effect.Effect<A | undefined, E, R>,
  otherwise: Effect.Effect<string> = Effect.succeed("it does not come")
): Effect.Effect<A, E | Error, R> =>
  look.pipe(
    Effect.flatMap((seen) => (seen === undefined ? Effect.fail("not yet" as const) : Effect.succeed(seen))),
    Effect.retry({ while: (error) => error === "not yet", schedule: Schedule.spaced("20 millis") }),
    Effect.timeoutOption(deadline),
    Effect.flatMap((seen) =>
      seen._tag === "Some"
        ? Effect.succeed(seen.value)
        : Effect.flatMap(otherwise, (words) => Effect.fail(new Error(words)))
    ),
    Effect.mapError((error) => (error === "not yet" ? new Error("unreachable") : error))
  )
