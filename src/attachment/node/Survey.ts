/**
 * The survey of a node: what is recorded, which switches there are and what they answer, whose sandbox is there, and what
 * of this is not known, with the reason. list, gc, healing, doctor, top, metrics and events are judgements over it. Changes
 * nothing.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { keyOf } from "../../identity/Attachment.ts"
import { Files } from "../../platform/Files.ts"
import { type NamespaceKind, Namespaces } from "../../platform/Namespaces.ts"
import { SharedDir } from "../../shared-dir/SharedDir.ts"
import type { Vswitch } from "../../vswitch/Vswitch.ts"
import type { ObservedLegacyPort } from "../legacy/LegacyNode.ts"
import { joined, type ObservedAttachment, observed, observedPort, whoseTold } from "../ObservedAttachment.ts"
import { configurationOfRecord } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { distinct, isSame, type Switches, standing } from "./Switches.ts"

interface Wanted {
  /** Undefined: of every network. */
  readonly network: string | undefined
  /** Additional switches, besides those of the records and the default ones. */
  readonly controls: ReadonlyArray<Control>
  /** The shared directory; undefined: container configs are not read. */
  readonly base: string | undefined
  readonly variables: Variables
}

/** A switch that does not answer. */
export interface Silent {
  readonly at: Control
  readonly error: Explained
}

export interface Survey {
  readonly found: ReadonlyArray<ObservedAttachment>
  /** Ports of the original plugin's fork, of any network: their marks do not name it. */
  readonly legacy: ReadonlyArray<ObservedLegacyPort>
  /** Unreachable switches that a record or the caller names. Others are not reported. */
  readonly silent: ReadonlyArray<Silent>
  /** Why sources could not be inspected, those switches first. */
  readonly problems: ReadonlyArray<Explained>
}

/** Asks each switch once, all at the same time. `asked`: answers and failures, in order. */
export const ask = Effect.fnUntraced(function* <A, E, R>(
  controls: ReadonlyArray<Control>,
  question: (at: Control) => Effect.Effect<A, E, R>
) {
  const asked = yield* Effect.forEach(
    distinct(controls),
    (at) => Effect.map(Effect.result(question(at)), (answer) => ({ at, answer })),
    { concurrency: "unbounded" }
  )
  return {
    asked,
    answers: asked.flatMap(({ answer, at }) => (Result.isSuccess(answer) ? [{ at, answer: answer.success }] : [])),
    silent: asked.flatMap(({ answer, at }) => (Result.isFailure(answer) ? [{ at, error: answer.failure }] : []))
  }
})

/**
 * Asks the named switches, and the default ones that exist. `unneeded`: default ones that do not answer, where nothing
 * says that something of ours is there.
 */
export const askAll = Effect.fnUntraced(function* <A, R>(
  named: ReadonlyArray<Control>,
  variables: Variables,
  question: (at: Control) => Effect.Effect<A, Explained, R>
) {
  const { answers, silent } = yield* ask([...named, ...(yield* standing(variables))], question)
  const isNamed = ({ at }: Silent) => named.some((one) => isSame(one, at))
  return { answers, silent: silent.filter(isNamed), unneeded: silent.filter((one) => !isNamed(one)) }
})

/** Continues without a source that cannot be read, and keeps the reason. */
export const collecting = () => {
  const failures: Array<Explained> = []
  const orNothing = <A>(self: Effect.Effect<ReadonlyArray<A>, Explained>): Effect.Effect<ReadonlyArray<A>> =>
    Effect.catch(self, (error) => {
      failures.push(error)
      return Effect.succeed([])
    })
  return { failures, orNothing }
}

/** The attachments in all sources: records, switches and container configs. */
export const survey = Effect.fn("survey")(function* (switches: Switches, wanted: Wanted) {
  const records = yield* Records
  const sharedDir = yield* SharedDir
  const { base, network, variables } = wanted
  const ofNetwork = <A extends { readonly network: string }>(all: ReadonlyArray<A>) =>
    all.filter((one) => network === undefined || one.network === network)

  const { failures, orNothing } = collecting()
  const recorded = ofNetwork(yield* orNothing(records.all))
  const told = base === undefined ? [] : yield* orNothing(sharedDir.published(base))

  const named = [...wanted.controls, ...recorded.flatMap((record) => controlOf(record, variables) ?? [])]
  const { answers, silent, unneeded } = yield* askAll(named, variables, (at) =>
    Effect.flatMap(switches.at(at), portsOn(network))
  )
  for (const { error } of unneeded) yield* Effect.logWarning(`${error.failed}; skipped`)
  const ports = answers.flatMap(({ answer, at }) => answer.marked.map((owned) => observedPort({ at, owned })))
  const legacy = answers.flatMap(({ answer, at }) => answer.legacy.map((port): ObservedLegacyPort => ({ at, port })))
  const found = joined([
    ...recorded.map((record) => observed(record, { record })),
    ...ports,
    ...ofNetwork(told.flatMap((one) => whoseTold(one) ?? [])).map((one) => observed(one))
  ])
  return { found, legacy, silent, problems: [...silent.map(({ error }) => error), ...failures] } satisfies Survey
})

const portsOn = (network: string | undefined) =>
  Effect.fnUntraced(function* (vswitch: Vswitch["Service"]) {
    return { marked: yield* vswitch.list(network), legacy: yield* (yield* vswitch.legacy).list }
  })

/** Returns the switch of the ADD; undefined when its configuration is no longer valid. */
export const controlOf = (record: Record, variables: Variables): Control | undefined =>
  Result.match(configurationOfRecord(record, variables), {
    onFailure: () => undefined,
    onSuccess: ({ port: { control, engine } }) => ({ control, engine })
  })

/** `gone` only when that is certain. */
export type SandboxState = "there" | "gone" | "unknown"

/**
 * The one judgement of a sandbox, for list, GC and healing. It counts as gone only when that is certain. One that is
 * this process's own exists: CNI_NETNS_OVERRIDE attached it.
 */
export const sandboxOf = (netns: string): Effect.Effect<SandboxState, never, Namespaces> =>
  netns === ""
    ? Effect.succeed("unknown")
    : Effect.map(
        Effect.flatMap(Namespaces, ({ judge }) => judge(netns)),
        (kind) => presence[kind]
      )

const presence: { readonly [Kind in NamespaceKind]: SandboxState } = {
  sandbox: "there",
  own: "there",
  missing: "gone",
  "other file": "unknown",
  "out of sight": "unknown",
  unreadable: "unknown"
}

/**
 * Milliseconds of a monotonic clock (`currentTimeNanos` follows the node's time). When a node's time is set after its
 * start, no waiting time has passed.
 */
export const millis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

/** An attachment that was added again has another id. */
export const idOf = (record: Record): string => `${keyOf(record)}/${record.invocation}`

/** Milliseconds until the records are read again: a repeated ADD may replace a record under the same name. */
const longest = 60_000

/**
 * What `describe` says of each record, by the attachment's id. For repeated use, as by metrics: the records are read
 * again only when one was added or removed, or after a minute, because reading hundreds takes longer than all else.
 */
export const keptRecords = <A>(describe: (record: Record) => A) => {
  let known: { readonly all: ReadonlyMap<string, A>; readonly names: string; readonly at: number } | undefined
  return Effect.gen(function* () {
    const records = yield* Records
    const files = yield* Files
    const at = yield* millis
    const listed = yield* Effect.orElseSucceed(files.list(records.directory), (): ReadonlyArray<string> => [])
    const names = listed.join("/")
    if (known !== undefined && known.names === names && at - known.at < longest) return known.all
    const before = known?.all
    const all = new Map(
      (yield* records.all).map((record) => [idOf(record), before?.get(idOf(record)) ?? describe(record)] as const)
    )
    known = { all, names, at }
    return all
  })
}
