/**
 * One of the many calls, and whether its outcome was right. Each passes its identity to the IPAM plugin by its
 * environment.
 */
import { type Duration, Effect, Fiber, Layer } from "effect"
import { type Answer, call } from "../../../src/app/CniCall.ts"
import * as BunEdges from "../../../src/platform/bun/BunEdges.ts"
import { Deadlines } from "../../../src/program/Step.ts"
import type { Order, Report } from "./Order.ts"

export interface Wanted {
  readonly verb: "ADD" | "CHECK" | "DEL" | "GC" | "STATUS"
  readonly containerId: string
  readonly network: Readonly<Record<string, unknown>>
  /** For the report. */
  readonly what: string
  /** 0, the code of the error, or any. */
  readonly outcome: number | "any"
  readonly more?: {
    /** For the whole call. */
    readonly deadline?: number
    readonly interruptedAfter?: Duration.Duration
  }
}

interface Tally {
  calls: number
  readonly outcomes: Record<string, number>
  readonly problems: Array<string>
}

export const tally = (): Tally => ({ calls: 0, outcomes: {}, problems: [] })

/** Except STATUS, which is not asked here how long sixteen callers may wait for eight connection slots. */
const waits = { ipam: 30, undo: 15, status: 60, total: 90 }

const environmentOf = ({ netns, plugins }: Order, { containerId, verb }: Wanted) => ({
  CNI_COMMAND: verb,
  CNI_PATH: plugins,
  PATH: "/usr/bin:/bin",
  OF_THIS_CALL: containerId,
  ...(verb === "GC" || verb === "STATUS" ? {} : { CNI_CONTAINERID: containerId, CNI_NETNS: netns, CNI_IFNAME: "net1" })
})

const outcomeOf = ({ document, status }: Answer): number => {
  const code = document?.["code"]
  return status === 0 ? 0 : typeof code === "number" ? code : -1
}

export const make = (order: Order, { outcomes, problems, ...counted }: Tally) => {
  const own: Tally = { ...counted, outcomes, problems }
  const wrong = (wanted: Wanted, problem: string) =>
    problems.push(`${wanted.verb} of ${wanted.containerId} (${wanted.what}): ${problem}`)

  const judge = (wanted: Wanted, answers: ReadonlyArray<Answer>) => {
    own.calls++
    const [answer, ...others] = answers
    if (answer === undefined || others.length > 0) return void wrong(wanted, `${answers.length} answers`)
    const outcome = outcomeOf(answer)
    const name = `${wanted.verb} ${wanted.what}: ${outcome === 0 ? "well" : outcome}`
    outcomes[name] = (outcomes[name] ?? 0) + 1
    if (wanted.outcome !== "any" && wanted.outcome !== outcome) wrong(wanted, JSON.stringify(answer.document))
  }

  const run = Effect.fnUntraced(function* (wanted: Wanted) {
    const { deadline, interruptedAfter } = wanted.more ?? {}
    const answers: Array<Answer> = []
    const deadlines = deadline === undefined ? waits : { ...waits, total: deadline }
    const edges = Layer.merge(BunEdges.layer, Layer.succeed(Deadlines, deadlines))
    const one = call(environmentOf(order, wanted), JSON.stringify(wanted.network), edges, {
      tell: (answer) => Effect.sync(() => void answers.push(answer))
    })
    const fiber = yield* Effect.forkChild(one, { startImmediately: true })
    if (interruptedAfter !== undefined) {
      yield* Effect.sleep(interruptedAfter)
      yield* Fiber.interrupt(fiber)
    }
    yield* Effect.timeoutOrElse(Fiber.await(fiber), {
      duration: "100 seconds",
      orElse: () => Effect.sync(() => wrong(wanted, "does not end"))
    })
    judge(wanted, answers)
  })
  return { run, tally: own }
}

export const report = ({ calls, outcomes, problems }: Tally): Pick<Report, "calls" | "outcomes" | "problems"> => ({
  calls,
  outcomes: Object.fromEntries(Object.entries(outcomes).sort()),
  problems: problems.slice(0, 20)
})
