/**
 * One run: a call fails as ordered, and the guarantees are verified afterwards. Returns the violations in words; empty:
 * all held.
 */
import { Effect, Schema } from "effect"
import { type Answer, ErrorDocument } from "../../e2e/support/Plugin.ts"
import { lastSeen } from "../../support/Until.ts"
import type { Wrong } from "../process/Order.ts"
import type { Column } from "./Columns.ts"
import type { Called, Ground, Seen, Verb } from "./Ground.ts"
import { afterwards } from "./Seen.ts"

type Words = ReadonlyArray<string>

export interface Ran {
  /** False: the call did not reach the step. */
  readonly reached: boolean
  /** How the call ended: `done`, a CNI code, `SIGKILL`. */
  readonly ended: string
  readonly broken: Words
  /** The successful ADD before it failed, because of the run before. */
  readonly added: Words
}

export interface Setting {
  readonly ground: Ground
  readonly column: Column
  /** The last one fails as the column says; others before it lead to the step. */
  readonly wrong: ReadonlyArray<Wrong>
  readonly before: Seen
  /** The agent, where there is one, has served nothing yet. */
  readonly fresh?: boolean
}

type Broken = Effect.Effect<Words>

const isError = Schema.is(ErrorDocument)

const endOf = ({ document, signal, status }: Answer): string =>
  signal ?? (status === 0 ? "done" : isError(document) ? `code ${document.code}` : `exit status ${status}`)

const succeeds = (ground: Ground, verb: Verb, when: string): Broken =>
  Effect.map(ground.call(verb), ({ signal, status, stdout }) =>
    status === 0 ? [] : [`${verb} ${when} ended with ${signal ?? `exit status ${status}`}: ${stdout.trim()}`]
  )

/** In turn, up to the first with a result. */
const inTurn = (...steps: ReadonlyArray<Broken>): Broken =>
  Effect.gen(function* () {
    for (const step of steps) {
      const found = yield* step
      if (found.length > 0) return found
    }
    return []
  })

/** Changes by a restarted switch do not count. */
export const configuredOnly = ({ blow }: Column): boolean => blow !== undefined

const restored = (
  { before, column, ground }: Omit<Setting, "wrong">,
  when: string,
  mayStay: (found: Words) => boolean = () => false
): Broken =>
  Effect.map(afterwards(ground, before, configuredOnly(column), mayStay), (found) =>
    found.map((one) => `${when}: ${one}`)
  )

/** A failure has the form of the specification. */
const isTold = (answer: Answer): Words =>
  answer.signal !== null || answer.status === 0 || isError(answer.document)
    ? []
    : [`it failed without an error document: ${JSON.stringify(answer.stdout)}`]

/** Child processes of a killed call have no parent, and end by themselves. */
const alone = (ground: Ground): Broken =>
  Effect.map(
    lastSeen(
      Effect.map(ground.look(true), (seen) => Object.keys(seen).filter((name) => name.startsWith("process "))),
      (left) => left.length === 0,
      { every: "10 millis" }
    ),
    (left) => left.map((name) => `${name} goes on without the plugin`)
  )

/** Whether the rollback could reach everything; otherwise the next DEL must. */
const canUndo = ({ column, ground, wrong }: Setting, { outran }: Called): boolean =>
  !outran &&
  // Whoever is signalled while it is undone: the other one goes on.
  (wrong.length === 1 || column.signalled !== undefined) &&
  // It gave up before the caller was signalled: that has a column of its own.
  column.isFault !== true &&
  column.title !== "read-only" &&
  !ground.blows.some(({ deaf, name }) => deaf && name === column.blow)

const call = ({ column, fresh = false, ground, wrong }: Setting, verb: Verb): Effect.Effect<Called> =>
  Effect.tap(ground.order(verb, wrong, { hurried: column.hurried, fresh }), () =>
    column.blow === undefined ? Effect.void : ground.mend
  )

const isReached = ({ wrong }: Setting, { traced }: Called): boolean =>
  traced.some((step) => step.wrong && step.step === wrong.at(-1)?.step)

/** What a call through an agent has to be, whatever the world is like: of one whose agent ends, nobody may notice much. */
const served = (setting: Setting, verb: Verb, answer: Called): Words => {
  const { column, wrong } = setting
  if (answer.agent === undefined || !isReached(setting, answer)) return []
  const { ended } = answer.agent
  const isKilled = column.title.startsWith("agent SIGKILL")
  const should = column.signalled !== "agent" ? undefined : isKilled ? "SIGKILL" : "exit status 0"
  const isDone = column.signalled === "agent" && wrong.length === 1 && (verb !== "ADD" || !isKilled)
  const end = endOf(answer)
  return [
    ...(ended === should ? [] : [`the agent should have ended with ${should}, and has with ${ended}`]),
    ...(!isDone || end === "done" ? [] : [`${verb} should be done: ${answer.stdout.trim()}`]),
    ...(!isKilled || verb !== "ADD" || end === "done" || end === "code 11"
      ? []
      : [`ADD ended with ${end}, not code 11`])
  ]
}

const ranOf = (setting: Setting, answer: Called, broken: Words, added: Words = []): Ran => ({
  reached: isReached(setting, answer),
  ended: endOf(answer),
  broken,
  added
})

const ofNote = /(^|: )left: file \S*\/attachments(\/[^/]+\.undone|\/\.userspace-cni)? /

const isNoted = (found: Words): boolean =>
  found.some((one) => /\/attachments\/[^/]+\.undone /.test(one)) && found.every((one) => ofNote.test(one))

/**
 * An ADD that could not reach the switch notes that it created nothing, for a DEL that cannot either; a DEL that
 * reaches it removes the note.
 */
const orNoted = (setting: Setting, when: string, deleted: Broken): Broken =>
  Effect.flatMap(restored(setting, when, isNoted), (found) => (isNoted(found) ? deleted : Effect.succeed(found)))

/** A faulty ADD. */
export const add = Effect.fn("Runs.add")(function* (setting: Setting) {
  const { column, ground } = setting
  const answer = yield* call(setting, "ADD")
  const deleted = inTurn(succeeds(ground, "DEL", "after it"), restored(setting, "after one DEL"))
  const isRolledBack = column.signalled === "caller" && answer.agent?.answered === false
  const ending =
    answer.signal !== null
      ? inTurn(alone(ground), isRolledBack ? restored(setting, "at once, without a DEL") : deleted)
      : answer.status === 0
        ? inTurn(column.blow === undefined ? succeeds(ground, "CHECK", "after an ADD that succeeded") : none, deleted)
        : inTurn(
            Effect.succeed(isTold(answer)),
            canUndo(setting, answer) ? orNoted(setting, "after the rollback", deleted) : deleted
          )
  return ranOf(setting, answer, yield* inTurn(Effect.succeed(served(setting, "ADD", answer)), ending))
})

const none: Broken = Effect.succeed([])

/** The second ADD after a faulty one. */
export const again = (setting: Omit<Setting, "wrong">): Broken =>
  inTurn(
    succeeds(setting.ground, "ADD", "again"),
    succeeds(setting.ground, "DEL", "after the second ADD"),
    restored(setting, "after the second ADD and its DEL")
  )

/**
 * DEL reports that the API server refused its write: that alone is no failure, because the annotation is removed with
 * the pod.
 */
const annotationsStay = "the pod's annotations were not changed"

const allButPod = (setting: Setting): Broken =>
  Effect.map(
    restored(setting, "after it said that it was done", (found) =>
      found.every((one) => one.startsWith("changed: pod "))
    ),
    (found) => found.filter((one) => !/: changed: pod /.test(one))
  )

/** A faulty DEL after a normal ADD. */
export const del = Effect.fn("Runs.del")(function* (setting: Setting) {
  const { ground } = setting
  const added = yield* succeeds(ground, "ADD", "again")
  const answer = yield* call(setting, "DEL")
  const ending =
    answer.signal === null && answer.status === 0
      ? answer.stderr.includes(annotationsStay)
        ? inTurn(allButPod(setting), succeeds(ground, "DEL", "again"), restored(setting, "after a second DEL"))
        : restored(setting, "after it said that it was done")
      : inTurn(
          Effect.succeed(isTold(answer)),
          alone(ground),
          succeeds(ground, "DEL", "again"),
          restored(setting, "after a second DEL")
        )
  const whole = inTurn(Effect.succeed(served(setting, "DEL", answer)), ending)
  return ranOf(setting, answer, added.length > 0 ? [] : yield* whole, added)
})

/** A faulty CHECK between a normal ADD and DEL. */
export const check = Effect.fn("Runs.check")(function* (setting: Setting) {
  const { column, ground } = setting
  const added = yield* succeeds(ground, "ADD", "again")
  const during = yield* ground.look(configuredOnly(column))
  const answer = yield* call(setting, "CHECK")
  const ending = inTurn(
    Effect.succeed([...served(setting, "CHECK", answer), ...isTold(answer)]),
    alone(ground),
    // CHECK is not responsible for what a switch has lost.
    column.blow === undefined ? restored({ ...setting, before: during }, "CHECK changed something") : none,
    succeeds(ground, "DEL", "after it"),
    restored(setting, "after DEL")
  )
  return ranOf(setting, answer, added.length > 0 ? [] : yield* ending, added)
})
