/**
 * Makes one step of a call fail. Steps are the calls of services and edges, counted as they come, so that a new step of
 * a program is tested without being listed.
 */
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { Document } from "../../../src/app/CniCall.ts"
import type { CniError } from "../../../src/cni/types/CniError.ts"
import { FileError } from "../../../src/platform/Files.ts"
import { errorsOf } from "./Errors.ts"
import { isOnVpp } from "./Networks.ts"
import type { Asked, Verb, World, Wrap } from "./World.ts"

/** How a step fails; `after`: its effect has happened, and only the answer is lost. */
export const ways = [
  "fails",
  "fails after its effect",
  "dies",
  "dies after its effect",
  "is interrupted",
  "is interrupted after its effect"
] as const

export const kills = ["is killed", "is killed after its effect"] as const

/** Only with the test's clock. */
export const hangs = ["hangs", "hangs after its effect"] as const

/** The file system's calls are synchronous, except one: if they hang, the process hangs, as if it were killed. */
export const canHang = (step: string): boolean => !step.startsWith("Files.") || step === "Files.sync"

/** From this step on. */
export const disks = ["finds the disk full", "finds the disk read-only"] as const

export type Way =
  | (typeof ways)[number]
  | (typeof kills)[number]
  | (typeof hangs)[number]
  | (typeof disks)[number]
  | `fails with ${string}`

export interface Wrong {
  readonly at: number
  readonly way: Way
}

/** Its errors other than that of `fails`. */
export const otherErrors = (step: string): ReadonlyArray<Way> =>
  Object.keys(errorsOf(step.slice(0, step.indexOf("."))))
    .slice(1)
    .map((name) => `fails with ${name}` as const)

/** The ones to test: the handling of a step's other errors, and of defects, does not depend on the switch. */
export const waysOn = (network: string, step?: string): ReadonlyArray<Way> =>
  isOnVpp(network)
    ? ways.filter((way) => !way.startsWith("dies"))
    : [...ways, ...(step === undefined ? [] : otherErrors(step))]

/** The services of the programs, and the edges below them. */
export const services: ReadonlySet<string> = new Set(["Records", "SharedDir", "Ipam", "ContainerConfig", "Vswitch"])
export const conversations: ReadonlySet<string> = new Set(["OvsClient", "VppClient", "VppSession"])
export const edges: ReadonlySet<string> = new Set(["Files", ...conversations])

const errorOf = (service: string, step: string, way: Way): object => {
  const errors = errorsOf(service, step)
  const [first = new Error("no errors")] = Object.values(errors)
  return errors[way.replace(/^fails with /, "")] ?? first
}

/** The errors of a full or read-only file system. */
const needsSpace = /^Files\.(create|makeDirectory|link|symlink|rename)$/
const writes = /^Files\.(create|makeDirectory|removeDirectory|link|symlink|rename|unlink|change)$/

/** Counts the steps of the chosen services, and makes some fail. */
class Steps {
  readonly names: Array<string> = []
  /** The last of them. */
  readonly reached = Deferred.makeUnsafe<void>()
  /** The interruption has been requested. */
  readonly sent = Deferred.makeUnsafe<void>()
  private readonly chosen: ReadonlySet<string>
  private readonly wrongs: ReadonlyArray<Wrong>
  private dead = false
  private disk: Way | undefined

  constructor(chosen: ReadonlySet<string>, wrongs: ReadonlyArray<Wrong> = []) {
    this.chosen = chosen
    this.wrongs = wrongs
  }

  readonly wrap: Wrap = (name, service) => {
    const step = (key: PropertyKey, effect: Effect.Effect<unknown, unknown, unknown>) =>
      this.chosen.has(name) ? this.step(name, `${name}.${String(key)}`, effect) : this.unlessDead(effect)
    return new Proxy(service, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key)
        if (Effect.isEffect(member)) return step(key, member)
        if (typeof member !== "function") return member
        return (...args: ReadonlyArray<unknown>) => {
          const done: unknown = Reflect.apply(member, target, args)
          return Effect.isEffect(done) ? step(key, done) : done
        }
      }
    })
  }

  /** A killed process does nothing more, through any service or edge. */
  private unlessDead(effect: Effect.Effect<unknown, unknown, unknown>) {
    return Effect.suspend(() => (this.dead ? Effect.never : effect))
  }

  private step(service: string, name: string, effect: Effect.Effect<unknown, unknown, unknown>) {
    const judged = Effect.suspend(() => {
      const index = this.names.push(name) - 1
      const wrong = this.wrongs.find(({ at }) => at === index)
      if (wrong?.way.startsWith("finds")) this.disk = wrong.way
      const code = this.refusal(name)
      if (code !== undefined) return Effect.fail(new FileError({ operation: name, path: name, code }))
      return wrong === undefined ? effect : this.wrong(service, name, effect, wrong.way)
    })
    return this.unlessDead(judged)
  }

  private refusal(name: string): string | undefined {
    if (this.disk === "finds the disk full" && needsSpace.test(name)) return "ENOSPC"
    return this.disk === "finds the disk read-only" && writes.test(name) ? "EROFS" : undefined
  }

  private wrong(service: string, name: string, effect: Effect.Effect<unknown, unknown, unknown>, way: Way) {
    const late = way.endsWith("after its effect")
    const done = late ? Effect.exit(effect) : Effect.succeed(Exit.void)
    const reach = Deferred.done(this.reached, Exit.void)
    if (way.startsWith("finds")) return effect
    if (way.startsWith("fails")) return Effect.andThen(done, Effect.fail(errorOf(service, name, way)))
    if (way.startsWith("dies")) return Effect.andThen(done, Effect.die(new Error(`defect in ${name}`)))
    if (way.startsWith("hangs")) return done.pipe(Effect.andThen(reach), Effect.andThen(Effect.never))
    if (way.startsWith("is killed")) {
      const die = Effect.sync(() => {
        this.dead = true
      })
      return done.pipe(Effect.andThen(die), Effect.andThen(reach), Effect.andThen(Effect.never))
    }
    // Where nothing can be interrupted, the step continues when the interruption has been requested.
    return Effect.flatMap(done, (exit) =>
      Effect.andThen(Effect.andThen(reach, Deferred.await(this.sent)), late ? exit : effect)
    )
  }
}

/** Returns the names of the steps of a call; `before`: one that fails there. */
export const stepsOf = Effect.fnUntraced(function* (
  world: World,
  verb: Verb,
  asked: Asked,
  chosen: ReadonlySet<string>,
  before: ReadonlyArray<Wrong> = []
) {
  const steps = new Steps(chosen, before)
  const call = world.call(verb, asked, steps.wrap)
  yield* before.length === 0 ? call : Effect.flip(call)
  return steps.names
})

/**
 * Runs a call whose step at `at` fails; `before`: after others failed. Undefined: the process was killed, and nothing
 * more ran.
 */
export const goesWrong = Effect.fnUntraced(function* (
  world: World,
  verb: Verb,
  asked: Asked,
  chosen: ReadonlySet<string>,
  at: number,
  way: Way,
  before: ReadonlyArray<Wrong> = []
) {
  return yield* wronged(world, chosen, [...before, { at, way }], (wrap) => world.call(verb, asked, wrap))
})

/** The same of anything that runs on the world's services. */
export const stepsIn = Effect.fnUntraced(function* <A, E>(
  chosen: ReadonlySet<string>,
  self: (wrap: Wrap) => Effect.Effect<A, E>
) {
  const steps = new Steps(chosen)
  yield* self(steps.wrap)
  return steps.names
})

/** The last of these is the way in which it goes wrong. */
export const wronged = Effect.fnUntraced(function* <A, E>(
  world: World,
  chosen: ReadonlySet<string>,
  wrongs: ReadonlyArray<Wrong>,
  self: (wrap: Wrap) => Effect.Effect<A, E>
) {
  const steps = new Steps(chosen, wrongs)
  const way = wrongs.at(-1)?.way ?? "fails"
  const hung = way.startsWith("hangs")
  const call = self(steps.wrap)
  const started = hung ? Effect.andThen(Effect.sleep("1 millis"), call) : call
  const fiber = yield* Effect.forkDetach(started, { startImmediately: true })
  if (way.startsWith("is interrupted")) {
    yield* Deferred.await(steps.reached)
    fiber.interruptUnsafe()
    yield* Deferred.done(steps.sent, Exit.void)
  }
  if (way.startsWith("is killed")) {
    yield* Deferred.await(steps.reached)
    // Done by the kernel.
    world.taken.clear()
    return undefined
  }
  if (hung) {
    // Started by the clock, which waits until concurrent work has come to rest.
    yield* TestClock.adjust("1 millis")
    yield* Deferred.await(steps.reached)
    yield* timePasses(fiber)
  }
  return yield* Fiber.await(fiber)
})

/** More than all deadlines, second by second: otherwise an undo, which needs turns and no time, would time out. */
export const timePasses = Effect.fnUntraced(function* (of: Fiber.Fiber<unknown, unknown>) {
  for (let second = 0; second < 600 && of.pollUnsafe() === undefined; second++) {
    yield* Effect.repeat(Effect.yieldNow, { times: 10 })
    yield* TestClock.adjust("1 second")
  }
})

/**
 * One node for many failing calls, each of which must leave it as it was: anything left beside the compared state
 * affects the next call. After a failure, a new node is used.
 */
export const sameNode = <W extends { readonly dump: () => ReadonlyArray<string> }>(make: () => W) => {
  let world = make()
  const before = world.dump()
  return () => {
    if (world.dump().join("\n") !== before.join("\n")) world = make()
    return { world, before }
  }
}

/** The outcome of a call in words. */
export const ended = (exit: Exit.Exit<Document, CniError> | undefined): string =>
  exit === undefined
    ? "killed"
    : Exit.isSuccess(exit)
      ? "succeeded"
      : Cause.hasInterruptsOnly(exit.cause)
        ? "interrupted"
        : Cause.hasDies(exit.cause)
          ? "died"
          : "failed"
