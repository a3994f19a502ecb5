/**
 * A campaign on one configuration: its columns run on a few nodes in parallel, and the results of the cells are written
 * for the report. A test is a column; it fails with the cells that broke a guarantee.
 */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Scope } from "effect"
import { missing, type Need } from "../../e2e/support/Machine.ts"
import type { ProgramError } from "../../e2e/support/Program.ts"
import { onMachine } from "../../e2e/support/Suite.ts"
import type { Traced } from "../process/Order.ts"
import { brief, type Column, columns, strikes } from "./Columns.ts"
import { drawn, partOf } from "./Draw.ts"
import type { Ground } from "./Ground.ts"
import * as Lane from "./Lane.ts"
import * as Results from "./Results.ts"
import { cellName, type Subject, type Subjects, subjectsOn, titles } from "./Subjects.ts"

export interface Options {
  readonly needs: ReadonlyArray<Need>
  readonly ground: Effect.Effect<Ground, ProgramError, Scope.Scope>
  /** Names of its faults of the switch. */
  readonly blows: ReadonlyArray<string>
  /** Other than those of a process of one call. */
  readonly columns?: ReadonlyArray<Column>
  /** It shares steps with another configuration: all faults run at its own steps only. */
  readonly like?: {
    readonly name: string
    readonly but: (step: Traced) => boolean
    /**
     * Faults of the switch that run here as well, at every possible step; the others run in the other configuration.
     */
    readonly struck: ReadonlyArray<string>
  }
  /** Of its cells one in so many is drawn. */
  readonly share?: number
}

class Campaign extends Context.Service<
  Campaign,
  {
    readonly subjects: Subjects
    /** Runs the cells of a column on a free node; returns those that broke a guarantee. */
    readonly column: (column: Column) => Effect.Effect<ReadonlyArray<string>, ProgramError>
  }
>()("userspace-cni/test/Campaign") {}

const cannot = (why: string): Results.Cell => ({ state: "cannot", notes: [why], runs: 0 })
const notRun = (why: string): Results.Cell => ({ state: "not run", notes: [why], runs: 0 })

const layer = (name: string, { ground, like, share }: Options, all: ReadonlyArray<Column>) =>
  Layer.effect(
    Campaign,
    Effect.gen(function* () {
      const part = partOf(share)
      const began = performance.now()
      const scope = yield* Effect.scope
      const first = yield* Lane.make(ground)
      const subjects = yield* subjectsOn(first.ground)
      yield* Effect.addFinalizer(() => Effect.sync(() => Results.write(resultOf(name, subjects, all, began, like))))

      const free = [first]
      const take = Effect.suspend(() => {
        const lane = free.pop()
        return lane === undefined ? Scope.provide(Lane.make(ground), scope) : Effect.succeed(lane)
      })
      const ordersOf = (column: Column, ...of: ReadonlyArray<Subject>): Array<Lane.Ordered> =>
        of.flatMap((subject) => {
          const tried = subject.steps.filter(
            (step) => isTried(step, column, like) && ordersIn(subject, step, column).length > 0
          )
          return drawn(`${name} ${subject.title} ${column.title}`, tried, part).flatMap((step) =>
            ordersIn(subject, step, column).map((wrong) => ({ subject, step, wrong }))
          )
        })
      const column = Effect.fnUntraced(function* (column: Column) {
        const adds = ordersOf(column, subjects.ADD, subjects["ADD, undone"])
        const others = ordersOf(column, subjects.DEL, subjects.CHECK)
        const lane = yield* take
        yield* lane.run(column, adds, others)
        free.push(lane)
        return brokenIn(subjects, column)
      })
      return { subjects, column }
    })
  )

const ordersIn = ({ title }: Pick<Subject, "title">, step: Traced, column: Column) =>
  column.isFault === true && title === "ADD, undone" ? [] : column.orders(step)

const isTried = (step: Traced, column: Column, like: Options["like"]): boolean => {
  if (like === undefined) return true
  if (!isRun(column, like)) return false
  return column.blow !== undefined || like.but(step) || brief.has(column.title)
}

const isRun = ({ blow }: Column, like: Options["like"]): boolean =>
  like === undefined || blow === undefined || like.struck.includes(blow)

const brokenIn = (subjects: Subjects, { title }: Column): ReadonlyArray<string> =>
  titles.flatMap((subject) =>
    subjects[subject].steps.flatMap((step) => {
      const cell = subjects[subject].cells.get(cellName(step, title))
      return cell?.state === "broken" ? [`${subject}: ${step.step}: ${cell.notes.join("; ")}`] : []
    })
  )

const resultOf = (
  name: string,
  subjects: Subjects,
  all: ReadonlyArray<Column>,
  began: number,
  like?: Options["like"]
): Results.Result => ({
  name,
  seconds: (performance.now() - began) / 1000,
  missing: [],
  matrices: titles.map((title) => {
    const { cells, steps } = subjects[title]
    const cellAt = (step: Traced, column: Column): Results.Cell =>
      cells.get(cellName(step, column.title)) ??
      (ordersIn({ title }, step, column).length === 0
        ? cannot(column.otherwise)
        : notRun(isTried(step, column, like) ? "not drawn in this run" : `tried in ${like?.name}`))
    return {
      title,
      steps: steps.map(({ step }) => step),
      columns: all.map((column) => column.title),
      cells: steps.map((step) => all.map((column) => cellAt(step, column)))
    }
  })
})

export const campaign = (name: string, options: Options): void => {
  const absent = missing(options.needs)
  const all = [...(options.columns ?? columns), ...options.blows.map(strikes)]
  const suite = onMachine(options.needs, layer(name, options, all))
  if (absent.length > 0) {
    Results.write({ name, seconds: 0, matrices: [], missing: absent })
    suite(name, (test) => test("is not run", () => Effect.void))
    return
  }
  suite(name, (test) => {
    test("has steps", () =>
      Effect.gen(function* () {
        const { subjects } = yield* Campaign
        for (const title of titles) assert.isAbove(subjects[title].steps.length, 10, title)
      }))
    // Last first: those wait the longest, and would run alone at the end.
    for (const column of all.toReversed().filter((one) => isRun(one, options.like))) {
      test(column.title, () =>
        Effect.gen(function* () {
          const campaign = yield* Campaign
          assert.strictEqual((yield* campaign.column(column)).join("\n"), "")
        })
      )
    }
  })
}
