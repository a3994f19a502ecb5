/** Flags that several commands have, and the way in which a command's implementation is loaded. */
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const described = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

export const text = (name: string, metavar: string, description: string) =>
  described(name, metavar, description).pipe(Flag.optional)

export const textOr = (name: string, metavar: string, description: string, otherwise: string) =>
  described(name, metavar, description).pipe(Flag.withDefault(otherwise))

export const yes = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

export const jsonFlag = yes("json", "Print JSON")

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** The notation of people and Kubernetes; a bare number is seconds. */
const duration = (text: string): Option.Option<Duration.Duration> => {
  const [, number, unit = "s"] = /^(\d{1,9})(ms|s|m|h)?$/.exec(text) ?? []
  const millis = units[unit]
  return number === undefined || millis === undefined
    ? Option.none()
    : Option.some(Duration.millis(Number(number) * millis))
}

export const everyFlag = Flag.String("every").pipe(
  Flag.withMetavar("TIME"),
  Flag.withDescription("Keep running and repeat after this pause: 1m. Prints only removals and failures"),
  // Rounds without a pause would keep a switch busy.
  Flag.filterMap(
    (time) => Option.filter(duration(time), (pause) => !Duration.isZero(pause)),
    () => "a time above zero such as 60s or 5m"
  ),
  Flag.optional
)

export const timeoutFlag = (otherwise: string, description: string) =>
  Flag.String("timeout").pipe(
    Flag.withMetavar("TIME"),
    Flag.withDescription(`${description}: 90s, 5m, 1h (default: ${otherwise})`),
    Flag.withDefault(otherwise),
    Flag.filterMap(duration, () => "a time such as 60s or 5m")
  )

export const defaultVppSocket = "/run/vpp/api.sock"

/** Only a dynamic `import` of the implementation keeps it out of `--help` and of the other commands. */
export const onDemand =
  <O, A, E, R>(load: () => Promise<{ readonly perform: (options: O) => Effect.Effect<A, E, R> }>) =>
  (options: O): Effect.Effect<A, E, R> =>
    Effect.flatMap(Effect.promise(load), ({ perform }) => perform(options))
