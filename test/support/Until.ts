/**
 * Waiting in tests: for the thing itself, with a deadline that only a hang meets. So it is a minute, however busy the
 * machine is, and its message states what was waited for and what was there instead.
 */
import { inspect } from "node:util"
import { Cause, type Duration, Effect, Exit, Option, Schedule, Schema } from "effect"

export class NotThere extends Schema.TaggedError<NotThere>()("NotThere", {
  what: Schema.String,
  instead: Schema.String
}) {
  override get message(): string {
    return `waited for ${this.what}; instead there was ${this.instead}`
  }
}

interface Options {
  /** Between two looks. Default: 20 milliseconds. */
  readonly every?: Duration.Input
  /** Default: a minute. */
  readonly deadline?: Duration.Input
}

const polled = <A, E, R>(
  look: Effect.Effect<A, E, R>,
  is: (seen: A) => boolean,
  { deadline = "1 minute", every = "20 millis" }: Options
): Effect.Effect<{ readonly isThere: boolean; readonly last: Exit.Exit<A, E> | undefined }, never, R> =>
  Effect.suspend(() => {
    let last: Exit.Exit<A, E> | undefined
    const seen = Effect.map(Effect.exit(look), (exit) => {
      last = exit
      return Exit.isSuccess(exit) && is(exit.value)
    })
    return seen.pipe(
      Effect.repeat({ until: (isThere) => isThere, schedule: Schedule.spaced(every) }),
      Effect.timeoutOption(deadline),
      Effect.map((done) => ({ isThere: Option.isSome(done), last }))
    )
  })

const inWords = <A, E>(last: Exit.Exit<A, E> | undefined): string => {
  if (last === undefined) return "no answer"
  const text = Exit.isSuccess(last) ? inspect(last.value, { depth: 6 }) : Cause.pretty(last.cause)
  // Of a log, the end says more.
  return text.length > 4000 ? `${text.slice(0, 2000)} ... ${text.slice(-2000)}` : text
}

/** Looks until `is` holds; a look that fails is one that has not seen it yet. */
export const until = <A, E, R>(
  what: string,
  look: Effect.Effect<A, E, R>,
  is: (seen: A) => boolean,
  options: Options = {}
): Effect.Effect<A, NotThere, R> =>
  Effect.flatMap(polled(look, is, options), ({ isThere, last }) =>
    isThere && last !== undefined && Exit.isSuccess(last)
      ? Effect.succeed(last.value)
      : new NotThere({ what, instead: inWords(last) })
  )

/** {@link until} of something that can be observed at once. */
export const untilTrue = (what: string, is: () => boolean, options: Options = {}): Effect.Effect<void, NotThere> =>
  Effect.asVoid(until(what, Effect.sync(is), (yes) => yes, options))

/** Looks until `is` holds, and returns what it saw last, for an assertion that shows the difference. */
export const lastSeen = <A, E, R>(
  look: Effect.Effect<A, E, R>,
  is: (seen: A) => boolean,
  options: Options = {}
): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    polled(look, is, options),
    ({ last }) => last ?? Effect.die(new Error("no answer within the deadline"))
  )
