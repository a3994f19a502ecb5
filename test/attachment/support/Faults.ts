/**
 * Goes wrong at one step of a call. Steps are the calls of services and edges, counted as they come, so that a step that
 * joins a program is tried as well without being named anywhere.
 */
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"
import { RecordError } from "../../../src/attachment/RecordError.ts"
import type { Document } from "../../../src/attachment/Verbs.ts"
import type { CniError } from "../../../src/cni/CniError.ts"
import { ErrorCodes } from "../../../src/cni/ErrorCodes.ts"
import { IpamError } from "../../../src/ipam/IpamError.ts"
import { OvsdbError, Unreachable } from "../../../src/ovs/OvsdbError.ts"
import { FileError } from "../../../src/platform/Files.ts"
import { SharedDirError } from "../../../src/shared-dir/SharedDirError.ts"
import { VswitchError } from "../../../src/vswitch/VswitchError.ts"
import type { Asked, Verb, World, Wrap } from "./World.ts"

/** How a step goes wrong; `after`: when its effect has happened, and only the answer is lost. */
export const ways = [
  "fails",
  "fails after its effect",
  "dies",
  "dies after its effect",
  "is interrupted",
  "is interrupted after its effect"
] as const

export type Way = (typeof ways)[number] | "is killed" | "is killed after its effect"

export const kills: ReadonlyArray<Way> = ["is killed", "is killed after its effect"]

/** The services that the programs use, and the edges below them. */
export const services: ReadonlySet<string> = new Set(["Records", "SharedDir", "Ipam", "Handover", "Vswitch"])
export const edges: ReadonlySet<string> = new Set(["Files", "OvsClient"])

/** The error that a service of that name gives. */
const errorOf = (service: string, step: string) => {
  const said = { operation: step, answer: "EIO", path: step, cure: "Look.", peer: "/memory", plugin: "host-local" }
  switch (service) {
    case "Files":
      return new FileError({ ...said, code: "EIO" })
    case "OvsClient":
      return new OvsdbError({ ...said, reason: new Unreachable({ code: "ECONNREFUSED" }) })
    case "Records":
      return new RecordError({ ...said, code: ErrorCodes.IoFailure })
    case "Ipam":
      return new IpamError({ ...said, verb: "ADD", reason: { _tag: "NotRun", answer: "EIO" } })
    case "Vswitch":
      return new VswitchError({ ...said, engine: "ovs-dpdk", code: ErrorCodes.SwitchRefused })
    default:
      return new SharedDirError({ ...said, code: ErrorCodes.IoFailure })
  }
}

/** Counts the steps of the chosen services, and lets the one at `at` go wrong. */
class Steps {
  readonly names: Array<string> = []
  readonly reached = Deferred.makeUnsafe<void>()
  /** The interruption is on its way. */
  readonly sent = Deferred.makeUnsafe<void>()
  private readonly chosen: ReadonlySet<string>
  private readonly at: number
  private readonly way: Way
  private dead = false

  constructor(chosen: ReadonlySet<string>, at = -1, way: Way = "fails") {
    this.chosen = chosen
    this.at = at
    this.way = way
  }

  readonly wrap: Wrap = (name, service) =>
    !this.chosen.has(name)
      ? service
      : new Proxy(service, {
          get: (target, key) => {
            const member: unknown = Reflect.get(target, key)
            const step = `${name}.${String(key)}`
            if (Effect.isEffect(member)) return this.step(name, step, member)
            if (typeof member !== "function") return member
            return (...args: ReadonlyArray<unknown>) => {
              const done: unknown = Reflect.apply(member, target, args)
              return Effect.isEffect(done) ? this.step(name, step, done) : done
            }
          }
        })

  private step(service: string, name: string, effect: Effect.Effect<unknown, unknown, unknown>) {
    return Effect.suspend(() => {
      if (this.dead) return Effect.never
      const index = this.names.push(name) - 1
      return index === this.at ? this.wrong(service, name, effect) : effect
    })
  }

  private wrong(service: string, name: string, effect: Effect.Effect<unknown, unknown, unknown>) {
    const late = this.way.endsWith("after its effect")
    const done = late ? Effect.exit(effect) : Effect.succeed(Exit.void)
    const reach = Deferred.done(this.reached, Exit.void)
    if (this.way.startsWith("fails")) return Effect.andThen(done, Effect.fail(errorOf(service, name)))
    if (this.way.startsWith("dies")) return Effect.andThen(done, Effect.die(new Error(`defect in ${name}`)))
    if (this.way.startsWith("is killed")) {
      const die = Effect.sync(() => {
        this.dead = true
      })
      return done.pipe(Effect.andThen(die), Effect.andThen(reach), Effect.andThen(Effect.never))
    }
    // Where nothing can be interrupted, the step goes on when the interruption has been asked for.
    return Effect.flatMap(done, (exit) =>
      Effect.andThen(Effect.andThen(reach, Deferred.await(this.sent)), late ? exit : effect)
    )
  }
}

/** The names of the steps of a call that goes well. */
export const stepsOf = Effect.fnUntraced(function* (
  world: World,
  verb: Verb,
  asked: Asked,
  chosen: ReadonlySet<string>
) {
  const steps = new Steps(chosen)
  yield* world.call(verb, asked, steps.wrap)
  return steps.names
})

/** Runs a call of which the step at `at` goes wrong. Undefined: the process was killed, and nothing more ran. */
export const goesWrong = Effect.fnUntraced(function* (
  world: World,
  verb: Verb,
  asked: Asked,
  chosen: ReadonlySet<string>,
  at: number,
  way: Way
) {
  const steps = new Steps(chosen, at, way)
  const fiber = yield* Effect.forkDetach(world.call(verb, asked, steps.wrap), { startImmediately: true })
  if (way.startsWith("is interrupted")) {
    yield* Deferred.await(steps.reached)
    fiber.interruptUnsafe()
    yield* Deferred.done(steps.sent, Exit.void)
  }
  if (way.startsWith("is killed")) {
    yield* Deferred.await(steps.reached)
    return undefined
  }
  return yield* Fiber.await(fiber)
})

/** How a call ended, in words. */
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
