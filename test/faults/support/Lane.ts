/** One node of a campaign: runs a column in sequence. A node on which something was left is replaced by a new one. */
import { Effect, Exit, Scope } from "effect"
import type { ProgramError } from "../../e2e/support/Program.ts"
import type { Traced, Wrong } from "../process/Order.ts"
import type { Column } from "./Columns.ts"
import type { Ground, Seen } from "./Ground.ts"
import * as Runs from "./Runs.ts"
import { cellName, type Subject } from "./Subjects.ts"

/** A call with one fault at one step, and its cell. */
export interface Ordered {
  readonly subject: Subject
  readonly step: Traced
  readonly wrong: Wrong
}

export interface Lane {
  /** The initial state. */
  readonly ground: Ground
  /** Runs the orders, and writes their results into the cells. */
  readonly run: (column: Column, adds: Array<Ordered>, others: Array<Ordered>) => Effect.Effect<void, ProgramError>
}

/** A step that depends on the order of events is retried a few times. */
const tries = 3

const note = ({ step, subject, wrong }: Ordered, column: Column, ran: Omit<Runs.Ran, "added">): void => {
  const at = cellName(step, column.title)
  const { notes, runs, state } = subject.cells.get(at) ?? { state: "held", notes: [], runs: 0 }
  const words = [wrong.which, ran.reached ? ran.ended : "not reached", ...ran.broken]
  const now = ran.broken.length > 0 ? "broken" : ran.reached ? "held" : "not run"
  const worst = [state, now].includes("broken") ? "broken" : [state, now].includes("not run") ? "not run" : "held"
  subject.cells.set(at, { state: worst, runs: runs + 1, notes: [...notes, words.filter(Boolean).join(": ")] })
}

export const make = Effect.fn("Lane.make")(function* (
  node: Effect.Effect<Ground, ProgramError, Scope.Scope>
): Effect.fn.Return<Lane, ProgramError, Scope.Scope> {
  const outer = yield* Effect.scope
  const fresh = Effect.gen(function* () {
    const scope = yield* Scope.fork(outer)
    return { scope, ground: yield* Scope.provide(node, scope) }
  })
  const first = yield* fresh
  let { ground, scope } = first

  const renew = Effect.gen(function* () {
    yield* Scope.close(scope, Exit.void)
    const next = yield* fresh
    ground = next.ground
    scope = next.scope
  })

  /** Runs it until the call reaches the step. */
  const once = Effect.fnUntraced(function* (ordered: Ordered, column: Column, before: Seen) {
    const { subject, wrong } = ordered
    const how = { ADD: Runs.add, CHECK: Runs.check, DEL: Runs.del }[subject.verb]
    const setting: Runs.Setting = { ground, column, wrong: [...subject.base, wrong], before }
    let ran = yield* how(setting)
    for (let attempt = 1; attempt < tries && !ran.reached && ran.broken.length === 0; attempt++) {
      if (subject.verb === "ADD") yield* Runs.again(setting)
      ran = yield* how({ ...setting, fresh: true })
    }
    note(ordered, column, ran)
    return ran
  })

  /** A DEL or CHECK with a fault follows an ADD with a fault: the ADD before it is the second one. */
  const run = Effect.fnUntraced(function* (column: Column, adds: Array<Ordered>, others: Array<Ordered>) {
    let before: Seen | undefined
    while (adds.length + others.length > 0) {
      // The switch has completed the work of earlier calls.
      if (before === undefined) yield* ground.mend
      before ??= yield* ground.look(Runs.configuredOnly(column))
      const added = adds.shift()
      if (added !== undefined && (yield* once(added, column, before)).broken.length > 0) {
        before = undefined
        yield* renew
        continue
      }
      const other = others.shift()
      const second =
        other === undefined
          ? { broken: [], added: yield* Runs.again({ ground, column, before }) }
          : yield* once(other, column, before)
      if (second.added.length > 0) {
        const to = added ?? other
        if (to !== undefined) note(to, column, { reached: true, ended: "then", broken: second.added })
      }
      if (second.added.length + second.broken.length > 0) {
        before = undefined
        yield* renew
      }
    }
  })

  return { ground: first.ground, run }
})
