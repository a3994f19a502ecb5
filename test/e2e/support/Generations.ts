/**
 * Crowds of attachments in sequence: one is added, removed while as many others are added, and those are removed; an
 * administrator works all the while. Each call succeeds, and each existing crowd has as many ports, and exactly the
 * assigned addresses.
 */
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { callAll } from "./Crowd.ts"
import { type Answer, type Call, resultOf } from "./Plugin.ts"

export interface Member {
  readonly add: Call
  readonly del: Call
}

const adds = (all: ReadonlyArray<Member>) => all.map(({ add }) => add)
const dels = (all: ReadonlyArray<Member>) => all.map(({ del }) => del)

/** Alike except for the attachment. */
const kindOf = (said: string): string => said.replaceAll(/usp[a-z2-7]{12}|[0-9a-f]{12,}|\d+/g, "*")

/** Each has succeeded. Otherwise reports how many failed, and a complete example for each kind of message. */
export const allWell = (verb: string, answers: ReadonlyArray<Answer>): void => {
  const said = answers.flatMap(({ millis: _, document: __, status, ...rest }) =>
    status === 0 ? [] : [`status ${status}, signal ${rest.signal}\nstdout: ${rest.stdout}\nstderr: ${rest.stderr}`]
  )
  const kinds = Object.values(Object.groupBy(said, kindOf)).map(
    (alike = []) => `${alike.length} like this: ${alike[0]}`
  )
  assert(said.length === 0, [`${said.length} of ${answers.length} calls of ${verb} failed`, ...kinds].join("\n"))
}

/** The expected state of the node after these answers; no two attachments have the same MAC address. */
const wanted = Effect.fnUntraced(function* (all: ReadonlyArray<Member>, answers: ReadonlyArray<Answer>) {
  allWell("ADD", answers)
  const results = yield* Effect.forEach(answers, resultOf)
  assert.strictEqual(new Set(results.map(({ interfaces }) => interfaces[0]?.mac)).size, all.length)
  const leases = all.map(({ add }, index) => {
    const [address = ""] = results[index]?.ips[0]?.address.split("/") ?? []
    return `e2e/${address} ${add.containerId} ${add.ifName}`
  })
  return { leases: leases.sort(), ports: all.length }
})

interface Around<E, R> {
  /** One of the administrator's actions, from its beginning to its end. */
  readonly administrator: Effect.Effect<void, E, R>
  /** Leases in the form of `World.leasesIn`, and the number of our ports. */
  readonly there: Effect.Effect<{ readonly leases: ReadonlyArray<string>; readonly ports: number }, E, R>
}

/** Returns how often the administrator finished while one crowd was removed and the other added. */
export const comeAndGo = Effect.fn("Generations.comeAndGo")(function* <E, R>(
  first: ReadonlyArray<Member>,
  second: ReadonlyArray<Member>,
  { administrator, there }: Around<E, R>
) {
  let works = 0
  let over = false
  const work = Effect.tap(administrator, () =>
    Effect.sync(() => {
      works++
    })
  )
  const busy = yield* Effect.forkScoped(Effect.repeat(work, { until: () => over }))

  const initial = yield* wanted(first, yield* callAll(adds(first)))
  assert.deepStrictEqual(yield* there, initial)
  const before = works
  // A DEL, an ADD, a DEL, ...
  const mixed = yield* callAll(first.flatMap((one, index) => [one.del, ...adds(second.slice(index, index + 1))]))
  const meanwhile = works - before
  allWell(
    "DEL",
    mixed.filter((_, index) => index % 2 === 0)
  )
  const replaced = yield* wanted(
    second,
    mixed.filter((_, index) => index % 2 === 1)
  )
  assert.deepStrictEqual(yield* there, replaced)
  allWell("DEL", yield* callAll(dels(second)))

  over = true
  yield* Fiber.join(busy)
  return meanwhile
})
