/**
 * The hostile process of `test/e2e/hostile-process`, and what becomes of a switch that meets it. A neighbour keeps to the
 * protocol on a port of its own and sends all the time: it shows whether the switch still forwards, and a hostile
 * process is left connected until it has, so that nothing depends on time.
 */
import { globSync, readFileSync } from "node:fs"
import { basename } from "node:path"
import { Effect, Option, type Scope } from "effect"
import { lastSeen, until } from "../../support/Until.ts"
import { type Role, sources, wordOf } from "../hostile-process/Cases.ts"
import { type ProgramError, start, succeed } from "./Program.ts"

/** A switch with two ports, for one hostile process after the other until one ends it. */
export interface Ground {
  /** The signal that has ended the switch. */
  readonly signal: Effect.Effect<string | undefined>
  /** Its main thread answers. */
  readonly answers: Effect.Effect<unknown, ProgramError>
  readonly directory: string
  /** The sockets of the two ports. */
  readonly hostile: string
  readonly neighbour: string
}

/** Returns the program's path. */
export const compiled = (directory: string): Effect.Effect<string, ProgramError> =>
  Effect.as(
    succeed("gcc", [
      ...["-std=c17", "-O1", "-Wall", "-Wextra", "-Werror"],
      ...["-o", `${directory}/hostile`, ...globSync(`${sources}/*.c`)]
    ]),
    `${directory}/hostile`
  )

const content = (path: string) => Effect.sync(() => readFileSync(path, "utf8"))

/** What it writes to stdout is in the file. It ends with its scope, by SIGKILL. */
const process = Effect.fnUntraced(function* (program: string, role: Role, name: string, socket: string, log: string) {
  yield* start(program, [wordOf(role), name, socket], { log })
  return content(log)
})

/** A neighbour that the switch takes frames from. */
export const neighbour = Effect.fnUntraced(function* (program: string, role: Role, ground: Ground) {
  const log = `${ground.directory}/neighbour`
  const said = yield* process(program, role, "neighbour", ground.neighbour, log)
  yield* Effect.orDie(until("a neighbour that is served", said, (text) => text.startsWith("...")))
  return Effect.map(said, (text) => text.length)
})

/** The main thread answers, and goes on with the neighbour's frames; or the switch has ended. */
const goesOn = Effect.fnUntraced(function* (ground: Ground, frames: Effect.Effect<number>) {
  const before = yield* frames
  const lives = Effect.andThen(ground.answers, frames)
  return yield* Effect.option(
    until(
      "the neighbour's next frames, or the end",
      Effect.flatMap(ground.signal, (signal) => (signal === undefined ? lives : Effect.succeed(Infinity))),
      (now) => now >= before + 5
    )
  )
})

let count = 0

/** The outcome of one case: `lives`, `hangs`, or the signal. */
export const outcomeOf = Effect.fnUntraced(function* (
  program: string,
  role: Role,
  name: string,
  ground: Ground,
  frames: Effect.Effect<number>
): Effect.fn.Return<string, ProgramError, Scope.Scope> {
  const log = `${ground.directory}/${basename(name)}-${count++}`
  const said = yield* Effect.scoped(
    Effect.gen(function* () {
      const said = yield* process(program, role, name, ground.hostile, log)
      const over = Effect.all([said, ground.signal])
      yield* lastSeen(over, ([text, signal]) => /^(done|failed: .*)\n/.test(text) || signal !== undefined)
      const going = yield* goesOn(ground, frames)
      return { text: yield* said, going }
    })
  )
  // It is gone now, which the switch has to bear as well.
  const going = Option.isSome(said.going) ? yield* goesOn(ground, frames) : said.going
  const signal = yield* ground.signal
  if (signal !== undefined) return signal
  if (Option.isNone(going)) return "hangs"
  if (said.text !== "done\n") return yield* Effect.die(new Error(`${name} was not carried out: ${said.text}`))
  return "lives"
})
