/** The resident agent beside a node under test, which heals by itself: its log, and the restored ports. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { Effect } from "effect"
import { type NotThere, until } from "../../support/Until.ts"
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
  readonly says: (words: RegExp) => Effect.Effect<string, NotThere>
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
    const says: Healing["says"] = (words) => until(`${words} in the agent's log`, log, (text) => words.test(text))
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
