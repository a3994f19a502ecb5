/**
 * The steps of one call of the faulty executable: each operation on an edge is one, counted as they come, and the
 * ordered one fails. This module knows no edge; `Faulty*.ts` define how an operation can fail.
 */
import { appendFileSync, readFileSync } from "node:fs"
import { createConnection } from "node:net"
import { Effect, Schema } from "effect"
import { Order, type Traced, type Wrong } from "./Order.ts"

export interface Operation<A, E, R> {
  readonly edge: string
  /** The operation and its object, without parts that differ from call to call. */
  readonly name: string
  /** Whether it changes anything. */
  readonly changes: boolean
  /** Whether it can hang while the program lives; a hanging file system cannot. */
  readonly waits: boolean
  /** Its outcomes other than success, by name: errors, and equally bad answers. */
  readonly errors: Readonly<Record<string, Effect.Effect<A, E, R>>>
  /** The first half of its effect. */
  readonly halves?: Readonly<Partial<Record<"SIGTERM" | "SIGKILL", Effect.Effect<unknown, unknown, R>>>>
  /** Has its effect, and the answer is lost. Default: it completes, and fails with its first error. */
  readonly lost?: Effect.Effect<A, E, R>
  /** Has its effect, and no answer comes. Default: it completes, and never ends. */
  readonly unheard?: Effect.Effect<A, E, R>
}

export type Step = <A, E, R>(operation: Operation<A, E, R>, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Only the effect of an operation matters. */
const done = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.exit(effect)

const send = (signal: "SIGTERM" | "SIGKILL") => Effect.sync(() => process.kill(process.pid, signal))

/** The handler runs in the next turn. Where nothing can be interrupted, the program continues soon. */
const told = Effect.andThen(send("SIGTERM"), Effect.sleep("20 millis"))

/** Asks the campaign to do something to the switch or to the caller, and waits until it has. */
const asked = (door: string, what: string) =>
  Effect.callback<void>((resume) => {
    const socket = createConnection({ path: door }, () => socket.write(`${what}\n`))
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.void))
    socket.resume()
  })

/** Numbers that differ in every call: of an ADD, of a process, of a descriptor. */
const changing = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=ovs-vswitchd\.)\d+(?=\.ctl)|(?<=\/proc\/)\d+\/fd\/\d+/g

/** Operations that need space. */
const grows = /^(create|make directory|link|symlink|rename) /

export const make = ({ all, door, places, trace, wrong }: Order): Step => {
  const counts = new Map<string, number>()
  let disk: "disk full" | "read-only" | undefined

  /** The same in every run: without its directories, and numbered when it is repeated. */
  const called = (text: string): string => {
    const name = places.reduce((rest, [place, word]) => rest.replaceAll(place, word), text.replaceAll(changing, "*"))
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    return count === 1 ? name : `${name} (${count})`
  }

  const broken = <A, E, R>({ changes, edge, errors, name }: Operation<A, E, R>): Effect.Effect<A, E, R> | undefined => {
    if (disk === undefined || edge !== "Files" || !changes) return undefined
    if (disk === "read-only") return errors["EROFS"]
    return grows.test(name) ? errors["ENOSPC"] : undefined
  }

  const failing = <A, E, R>({ errors }: Operation<A, E, R>, which?: string): Effect.Effect<A, E, R> => {
    const [first = Effect.die("an operation without errors")] = Object.values(errors)
    return which === undefined ? first : (errors[which] ?? Effect.die(`no error ${which}`))
  }

  const goesWrong = <A, E, R>(
    { how, which }: Wrong,
    operation: Operation<A, E, R>,
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> => {
    const { halves, lost, unheard } = operation
    switch (how) {
      case "fails":
        return failing(operation, which)
      case "fails late":
        return lost ?? Effect.andThen(done(effect), failing(operation))
      case "hangs":
        return Effect.never
      case "hangs late":
        return unheard ?? Effect.andThen(done(effect), Effect.never)
      case "dies":
        return Effect.die(new Error("an ordered defect"))
      case "dies late":
        return Effect.andThen(done(effect), Effect.die(new Error("an ordered defect")))
      case "SIGTERM":
        return Effect.andThen(told, effect)
      case "SIGTERM half":
        return Effect.andThen(done(halves?.SIGTERM ?? Effect.void), effect)
      case "SIGTERM late":
        return Effect.flatMap(done(effect), (exit) => Effect.andThen(told, exit))
      case "SIGKILL":
        return Effect.andThen(send("SIGKILL"), Effect.never)
      case "SIGKILL half":
        return Effect.andThen(done(halves?.SIGKILL ?? Effect.void), Effect.andThen(send("SIGKILL"), Effect.never))
      case "SIGKILL late":
        return Effect.andThen(done(effect), Effect.andThen(send("SIGKILL"), Effect.never))
      case "struck":
        return Effect.andThen(asked(door, which ?? ""), effect)
      case "struck half":
        return Effect.raceFirst(
          unheard ?? Effect.andThen(done(effect), Effect.never),
          Effect.andThen(asked(door, which ?? ""), Effect.never)
        )
      case "struck late":
        return Effect.flatMap(done(effect), (exit) => Effect.andThen(asked(door, which ?? ""), exit))
      case "disk full":
      case "read-only":
        disk = how
        return broken(operation) ?? effect
    }
  }

  return (operation, effect) =>
    Effect.suspend(() => {
      const { changes, edge, errors, halves, name, waits } = operation
      const step = called(name)
      const ordered = wrong.find((one) => one.step === step)
      const line: Traced = {
        step,
        edge,
        changes,
        waits,
        errors: Object.keys(errors),
        halves: Object.keys(halves ?? {}),
        wrong: ordered !== undefined
      }
      // At once, because the process may not reach the next line.
      if (ordered !== undefined || all) appendFileSync(trace, `${JSON.stringify(line)}\n`)
      if (ordered !== undefined) return goesWrong(ordered, operation, effect)
      return broken(operation) ?? effect
    })
}

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Order))

/** Of a process of many calls, one after the other: their orders come in a file. */
export const ordered = (file: string): Step => {
  let text: string | undefined
  let step: Step = (_, effect) => effect
  return (operation, effect) =>
    Effect.suspend(() => {
      const now = readFileSync(file, "utf8")
      if (now !== text) step = make(decode(now))
      text = now
      return step(operation, effect)
    })
}
