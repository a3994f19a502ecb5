/**
 * A run: the namespace, the cases one after the other, what is left. Everything that it makes is in one namespace, and goes
 * with the scope, also when it is interrupted.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { version as own } from "../app/Version.ts"
import type { FleetNode } from "../kubernetes/UserspaceNode.ts"
import { type Measured, perform } from "./Cases.ts"
import { Cluster, VerifyError } from "./Cluster.ts"
import { leftovers, settled, versionsOf } from "./NodeObjects.ts"
import { kernelBridgeName, label, namespaceObject, ownNamespace } from "./Objects.ts"
import { type Case, type Plan, planFor, type Skipped, type Wanted } from "./Plan.ts"
import { list, removeNetworks, removePod, untilGone } from "./Pods.ts"

export interface Options extends Wanted {
  readonly image: string
  /** It exists, and stays. Undefined: one of its own is made and removed. */
  readonly namespace: string | undefined
  /** What an earlier run left is removed first. */
  readonly replace: boolean
}

export interface Outcome extends Pick<Case, "node" | "name"> {
  readonly engine: string
  readonly state: "ok" | "failed" | "skipped"
  readonly seconds: number
  /** Why it is skipped. */
  readonly why?: string
  readonly error?: Pick<VerifyError, "failed" | "answer" | "cure">
  readonly measured: Measured
}

export interface Report {
  readonly version: string
  readonly image: string
  readonly began: string
  readonly seconds: number
  readonly versions: Effect.Success<ReturnType<typeof versionsOf>>
  readonly outcomes: ReadonlyArray<Outcome>
  /** Of the run, on the nodes or in the cluster. Has to be empty. */
  readonly left: ReadonlyArray<string>
  /** Left on purpose, because it was asked for. */
  readonly known: ReadonlyArray<string>
  readonly status: 0 | 1
}

const Namespace = Schema.fromJsonString(
  Schema.Struct({
    metadata: Schema.Struct({
      labels: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String)))
    })
  })
)
const decodeNamespace = Schema.decodeUnknownOption(Namespace)
const anything = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const pathOfNamespace = (name: string) => `/api/v1/namespaces/${name}`

const labelsOf = Effect.fnUntraced(function* (name: string) {
  const cluster = yield* Cluster
  return yield* Effect.map(
    cluster.get(
      { operation: `read the namespace ${name}`, right: "get namespaces" },
      pathOfNamespace(name),
      decodeNamespace
    ),
    ({ metadata }) => Option.some(metadata.labels ?? {})
  ).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "NotFound",
      () => Effect.succeed(Option.none<Readonly<Record<string, string>>>())
    )
  )
})

const removed = 120

/** Pods first: their networks are there for the DEL. */
const removeAll = Effect.fnUntraced(function* (namespace: string) {
  const there = yield* list(namespace)
  yield* Effect.forEach(there, ({ metadata }) => removePod(namespace, metadata.name), { concurrency: 8, discard: true })
  yield* untilGone(namespace, undefined, removed)
  yield* removeNetworks(namespace)
})

const removeNamespace = Effect.fnUntraced(function* (name: string) {
  const cluster = yield* Cluster
  yield* Effect.ignore(removeAll(name))
  yield* cluster.remove(
    { operation: `delete the namespace ${name}`, right: "delete namespaces" },
    pathOfNamespace(name)
  )
  const end = (yield* Clock.currentTimeMillis) + removed * 1000
  while (Option.isSome(yield* labelsOf(name))) {
    if ((yield* Clock.currentTimeMillis) >= end) {
      return yield* new VerifyError({
        failed: `the namespace ${name} is still there after ${removed} s`,
        answer: "something in it does not go",
        cure: `kubectl get namespace ${name} -o yaml says what.`
      })
    }
    yield* Effect.sleep("500 millis")
  }
})

const leftBefore = (answer: string, cure: string) =>
  new VerifyError({ failed: "an earlier run has left something, or another one runs", answer, cure })

/** A namespace that exists, with rights in it: what it has of the label goes. */
const given = Effect.fnUntraced(function* (name: string, replace: boolean) {
  const there = yield* list(name)
  if (there.length > 0 && !replace) {
    return yield* leftBefore(
      `${there.length} pods in the namespace ${name} have the label ${label}`,
      "Wait until it has ended, or remove them with --replace."
    )
  }
  yield* removeAll(name)
  return name
})

const make = Effect.fnUntraced(function* (name: string, replace: boolean) {
  const cluster = yield* Cluster
  const there = yield* labelsOf(name)
  if (Option.isSome(there)) {
    if (there.value[label] === undefined) {
      return yield* leftBefore(
        `the namespace ${name} exists, and is not of a run: it has no label ${label}`,
        "Remove it yourself, or name it with --namespace to use it."
      )
    }
    if (!replace) {
      return yield* leftBefore(
        `the namespace ${name} exists`,
        "Wait until the other run has ended, or remove it with --replace."
      )
    }
    yield* removeNamespace(name)
  }
  yield* cluster.create(
    { operation: `make the namespace ${name}`, right: "create namespaces" },
    "/api/v1/namespaces",
    namespaceObject(name)
  )
})

/** Without it no pod is admitted. A controller makes it. */
const accountOf = Effect.fnUntraced(function* (name: string) {
  const cluster = yield* Cluster
  const asked = { operation: `read the account of ${name}`, right: `get serviceaccounts in ${name}` }
  const there = cluster.get(asked, `${pathOfNamespace(name)}/serviceaccounts/default`, anything)
  yield* Effect.retry(there, {
    while: ({ reason }) => reason === "NotFound",
    schedule: Schedule.spaced("500 millis"),
    times: 60
  })
})

/** Its failures are the run's last, with what it was to remove. */
interface Cleaned {
  failure: VerifyError | undefined
}

const scoped = (options: Options, cleaned: Cleaned) =>
  options.namespace !== undefined
    ? Effect.acquireRelease(given(options.namespace, options.replace), (name) => noting(removeAll(name), cleaned))
    : Effect.acquireRelease(Effect.as(make(ownNamespace, options.replace), ownNamespace), (name) =>
        noting(removeNamespace(name), cleaned)
      ).pipe(Effect.tap(accountOf))

const noting = <R>(cleaning: Effect.Effect<void, VerifyError, R>, cleaned: Cleaned) =>
  Effect.catch(cleaning, (error) =>
    Effect.sync(() => {
      cleaned.failure = error
    })
  )

const skippedOutcome = ({ name, node, why }: Skipped): Outcome => ({
  node,
  name,
  engine: "",
  state: "skipped",
  seconds: 0,
  why,
  measured: {}
})

export interface Listener {
  /** What is to come, before the first. */
  readonly begin: (plan: Plan) => Effect.Effect<void>
  readonly starts: (todo: Case) => Effect.Effect<void>
  /** Each outcome, when it is there. */
  readonly tell: (outcome: Outcome) => Effect.Effect<void>
  /** It was interrupted, and everything is removed but for this. */
  readonly cutShort: (failure: VerifyError | undefined) => Effect.Effect<void>
}

export const run = Effect.fnUntraced(function* (
  all: ReadonlyArray<FleetNode>,
  options: Options,
  { begin, cutShort, starts, tell }: Listener
) {
  const plan = planFor(all, options)
  const { cases, skipped } = plan
  // A node that was named is not skipped: who names it wants to know whether it works.
  const missing = options.nodes?.filter((name) => !cases.some(({ node }) => node === name)) ?? []
  if (cases.length === 0 || missing.length > 0) {
    return yield* new VerifyError({
      failed: missing.length === 0 ? "there is no node to verify" : `cannot verify ${missing.join(", ")}`,
      answer:
        skipped
          .filter(({ name }) => name === "everything")
          .map(({ node, why }) => `${node}: ${why}`)
          .join("\n") || "no agent has written the object of its node",
      cure: "Start the agent with --node on nodes with a switch; `userspace fleet` shows them."
    })
  }
  const start = yield* Clock.currentTimeMillis
  const nodes = all.filter(({ name }) => cases.some(({ node }) => node === name))
  const versions = yield* versionsOf(nodes)
  const outcomes: Array<Outcome> = []
  const hosts = new Map<string, string>()
  const note = (outcome: Outcome) => {
    outcomes.push(outcome)
    return tell(outcome)
  }
  const cleaned: Cleaned = { failure: undefined }
  yield* Effect.scoped(
    Effect.gen(function* () {
      const namespace = yield* scoped(options, cleaned)
      yield* begin(plan)
      for (const [index, todo] of cases.entries()) {
        yield* starts(todo)
        const began = yield* Clock.currentTimeMillis
        const setting = { namespace, image: options.image, pods: options.pods, hosts }
        const result = yield* Effect.result(perform(setting, todo, `v${index + 1}`))
        const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
        yield* note({
          node: todo.node,
          name: todo.name,
          engine: todo.on?.engine ?? "",
          seconds,
          ...(Result.isSuccess(result)
            ? { state: "ok", measured: result.success }
            : { state: "failed", error: result.failure, measured: {} })
        })
      }
    })
  ).pipe(Effect.onInterrupt(() => cutShort(cleaned.failure)))
  yield* Effect.forEach(skipped, (one) => note(skippedOutcome(one)), { discard: true })
  yield* settled
  const left = [
    ...(cleaned.failure === undefined ? [] : [`${cleaned.failure.failed}: ${cleaned.failure.answer}`]),
    ...(yield* Effect.forEach(nodes, ({ name }) => leftovers(name))).flat()
  ]
  const report: Report = {
    version: own,
    image: options.image,
    began: new Date(start).toISOString(),
    seconds: ((yield* Clock.currentTimeMillis) - start) / 1000,
    versions,
    outcomes,
    left,
    known: options.kernelBridges
      ? nodes.map(
          ({ name }) =>
            `node ${name}: bridges ${kernelBridgeName(0)} and ${kernelBridgeName(1)} of the plugin bridge, which removes none: ip link del`
        )
      : [],
    status: left.length > 0 || outcomes.some(({ state }) => state === "failed") ? 1 : 0
  }
  return report
})
