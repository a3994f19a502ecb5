/**
 * What must exist on a node after any sequence of calls, in its simplest form: an attachment exists or not, with its
 * port and its record, unless the switch lost the one or somebody removed the other. A node, in memory or real, runs
 * the same steps, several concurrently, and is compared after each batch.
 */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type Identity, plainHandle } from "../../src/identity/Attachment.ts"

export type Verb = "ADD" | "DEL" | "CHECK"

/** The outcome of a call: undefined on success, otherwise its message. */
export type Ended = string | undefined

/** Names of attachments, sorted; several entries for several objects of one. */
interface Seen {
  readonly ports: ReadonlyArray<string>
  readonly leases: ReadonlyArray<string>
  readonly records: ReadonlyArray<string>
  /** The containers with a container config. */
  readonly told: ReadonlyArray<string>
}

export interface NodeUnderTest<E = never, R = never> {
  /** The attachments that come and go on it. */
  readonly people: ReadonlyArray<Identity>
  readonly call: (verb: Verb, who: Identity) => Effect.Effect<Ended, E, R>
  readonly gc: (network: string, valid: ReadonlyArray<Identity>) => Effect.Effect<Ended, E, R>
  readonly restore: Effect.Effect<void, E, R>
  readonly restart: Effect.Effect<void, E, R>
  readonly loseRecords: Effect.Effect<void, E, R>
  readonly look: Effect.Effect<Seen, E, R>
  /** The whole persistent state. */
  readonly everything: Effect.Effect<unknown, E, R>
  /** Of one attachment. */
  readonly addresses: number
  /** The switch has lost the port after a restart. */
  readonly forgets: boolean
  /** CHECK finds a difference after a restart, although the port exists. */
  readonly ages: (who: Identity) => boolean
}

export const networks = ["net", "other"] as const
/** Their ids begin alike: one directory for both. */
const containers = ["0958c8871b32cafe", "0958c8871b32beef"] as const

const all = (interfaces: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<Identity> =>
  networks.flatMap((network, n) =>
    containers.flatMap((containerId, c) =>
      (interfaces[2 * n + c] ?? []).map((ifName) => ({ network, containerId, ifName }))
    )
  )

/**
 * Two networks on one bridge. In the first, names that begin alike; in the second, names that only records distinguish.
 */
export const people = {
  "with names of their own": all([
    ["net1", "net10"],
    ["net2", "net20"],
    ["net3", "net30"],
    ["net4", "net40"]
  ]),
  "with names like others'": all(Array.from({ length: 4 }, () => ["net1", "net10"]))
} as const
const mostPeople = 8

export const nameOf = ({ containerId, ifName, network }: Identity): string => `${network} ${containerId} ${ifName}`

const Who = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: mostPeople - 1 }))
const Step = Schema.Union([
  Schema.Struct({ does: Schema.Literal("ADD"), who: Who }),
  Schema.Struct({ does: Schema.Literals(["ADD", "DEL", "CHECK"]), who: Who }),
  Schema.Struct({ does: Schema.Literal("GC"), network: Schema.Literals(networks), valid: Schema.Array(Who) }),
  Schema.Struct({ does: Schema.Literals(["restore", "restart", "lose records"]) })
])
type Step = typeof Step.Type

/** The steps of a batch run concurrently. */
export const Sequence = Schema.NonEmptyArray(Schema.NonEmptyArray(Step).check(Schema.isMaxLength(4))).check(
  Schema.isMaxLength(12)
)
export type Sequence = typeof Sequence.Type

interface State {
  readonly port: boolean
  readonly record: boolean
  readonly aged: boolean
}

/** Undefined: it does not exist. */
type Model = ReadonlyArray<State | undefined>

const whole = (state: State | undefined): boolean => state?.port === true && state.record && !state.aged

/** Without those whose outcome would depend on the order. */
const decided = (batch: ReadonlyArray<Step>): ReadonlyArray<Step> =>
  batch.filter(
    (step, index) =>
      !("who" in step) || !batch.some((other, before) => "who" in other && other.who === step.who && before < index)
  )

/** Attachments that no other step may touch meanwhile. */
const busy = (batch: ReadonlyArray<Step>): ReadonlyArray<number> =>
  batch.flatMap((step) => ("who" in step && step.does !== "DEL" ? [step.who] : []))

const changed = (model: Model, f: (state: State, index: number) => State | undefined): Model =>
  model.map((state, index) => (state === undefined ? undefined : f(state, index)))

type People = Pick<NodeUnderTest, "people">

const identity = ({ people }: People, index: number): Identity => people[index] ?? assert.fail(`nobody is ${index}`)

/** Attachments whose files have the same names without a record that claims them. */
const needRecords = ({ people }: People): boolean => new Set(people.map(plainHandle)).size < people.length

const seenOf = (model: Model, node: People & Pick<NodeUnderTest, "addresses">): Seen => {
  const of = (has: (state: State) => boolean, times = 1) =>
    model
      .flatMap((state, index) => (state !== undefined && has(state) ? [nameOf(identity(node, index))] : []))
      .flatMap((name) => Array.from({ length: times }, () => name))
      .sort()
  return {
    ports: of(({ port }) => port),
    leases: of(() => true, node.addresses),
    records: of(({ record }) => record),
    told: of(() => true)
  }
}

/**
 * An existing one stays unchanged. One without port and record is refused by IPAM alone, late, and the ADD rolls back
 * files of its names.
 */
const added = (state: State | undefined): State | undefined => {
  if (state === undefined) return { port: true, record: true, aged: false }
  return state.port || state.record ? state : undefined
}

/** The effect of a batch on the model, which does not depend on the order. */
const after = (
  model: Model,
  batch: ReadonlyArray<Step>,
  node: People & Pick<NodeUnderTest, "forgets" | "ages">
): Model => {
  const kept = busy(batch)
  let next = model
  for (const step of batch) {
    if (step.does === "ADD") {
      next = next.map((state, index) => (index === step.who ? added(state) : state))
    } else if (step.does === "DEL") {
      next = changed(next, (state, index) => (index === step.who ? undefined : state))
    } else if (step.does === "GC") {
      next = changed(next, (state, index) =>
        identity(node, index).network !== step.network || [...step.valid, ...kept].includes(index) ? state : undefined
      )
    } else if (step.does === "restore") {
      next = changed(next, (state) => (state.record ? { ...state, port: true, aged: false } : state))
    } else if (step.does === "restart") {
      next = changed(next, (state, index) => ({
        ...state,
        port: state.port && !node.forgets,
        aged: state.aged || node.ages(identity(node, index))
      }))
    } else if (step.does === "lose records") next = changed(next, (state) => ({ ...state, record: false }))
  }
  return next
}

const perform = <E, R>(node: NodeUnderTest<E, R>, model: Model, batch: ReadonlyArray<Step>) =>
  Effect.fnUntraced(function* (step: Step) {
    if ("who" in step) {
      const who = identity(node, step.who)
      const call = node.call(step.does, who)
      const ended = yield* step.does === "DEL" ? insistent(batch, call) : call
      const state = model[step.who]
      const well = step.does === "DEL" || (step.does === "ADD" ? state === undefined : whole(state))
      // A concurrent restore may come first.
      if (step.does === "CHECK" && batch.some(({ does }) => does === "restore")) return
      if (well) assert.isUndefined(ended, `${step.does} of ${nameOf(who)} failed: ${ended}`)
      else assert.isDefined(ended, `${step.does} of ${nameOf(who)} should have failed`)
    } else if (step.does === "GC") {
      const valid = [...new Set([...step.valid, ...busy(batch)])].map((index) => identity(node, index))
      const ofNetwork = valid.filter(({ network }) => network === step.network)
      assert.isUndefined(yield* insistent(batch, node.gc(step.network, ofNetwork)))
    } else if (step.does === "restore") yield* node.restore
    else if (step.does === "restart") yield* node.restart
    else yield* node.loseRecords
  })

/** A restarting switch may break running calls; their callers retry, as a runtime does. */
const insistent = <E, R>(batch: ReadonlyArray<Step>, call: Effect.Effect<Ended, E, R>): Effect.Effect<Ended, E, R> => {
  const times = batch.filter(({ does }) => does === "restart").length
  return Effect.repeat(call, { until: (ended) => ended === undefined, times })
}

/** An action on the node rather than a call. */
const isBlow = ({ does }: Step): boolean => does === "restart" || does === "lose records"

/**
 * Steps that run while the node is disturbed: removals, whose result does not depend on the order. Results of ADD,
 * CHECK and restore do, so they come afterwards.
 */
const isBeside = (step: Step): boolean => isBlow(step) || step.does === "DEL" || step.does === "GC"

const batches = (steps: ReadonlyArray<Step>): ReadonlyArray<ReadonlyArray<Step>> =>
  steps.some(isBlow) ? [steps.filter(isBeside), steps.filter((step) => !isBeside(step))] : [steps]

/** Runs everything, and then deletes everything; the node then is as it was. */
export const holds = Effect.fnUntraced(function* <E, R>(node: NodeUnderTest<E, R>, sequence: Sequence) {
  const before = yield* node.everything
  let model: Model = node.people.map(() => undefined)
  for (const steps of sequence) {
    const possible = steps.filter(({ does }) => does !== "lose records" || !needRecords(node))
    for (const batch of batches(possible).map(decided)) {
      yield* Effect.forEach(batch, perform(node, model, batch), { concurrency: "unbounded", discard: true })
      model = after(model, batch, node)
      assert.deepStrictEqual(yield* node.look, seenOf(model, node), JSON.stringify(batch))
    }
  }
  yield* Effect.forEach(node.people, (who) => node.call("DEL", who), { concurrency: "unbounded" })
  assert.deepStrictEqual(yield* node.everything, before)
})
