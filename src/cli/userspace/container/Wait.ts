/** `userspace container wait` */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as waiting from "../../../container/Wait.ts"
import { Changes } from "../../../platform/Changes.ts"
import { Caller } from "../../Caller.ts"
import { fromContainer, namesOf, placeFlags, placesOf } from "../../ContainerFlags.ts"

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** As people and Kubernetes write it; a bare number is seconds. */
const duration = (text: string): Option.Option<Duration.Duration> => {
  const [, number, unit = "s"] = /^(\d{1,9})(ms|s|m|h)?$/.exec(text) ?? []
  const millis = units[unit]
  return number === undefined || millis === undefined
    ? Option.none()
    : Option.some(Duration.millis(Number(number) * millis))
}

export const wait = Command.make(
  "wait",
  {
    ...placeFlags,
    interfaces: Flag.String("interfaces").pipe(
      Flag.withMetavar("NAMES"),
      Flag.withDescription("Wait for these, separated by commas: net1,net2"),
      Flag.optional
    ),
    count: Flag.Int("count").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Wait for so many (default: 1, or as many as are named)"),
      Flag.filter(
        (count) => count >= 1 && count <= 256,
        () => "1 to 256"
      ),
      Flag.optional
    ),
    timeout: Flag.String("timeout").pipe(
      Flag.withMetavar("TIME"),
      Flag.withDescription("Give up after 90s, 5m, 1h (default: 60s)"),
      Flag.filterMap(duration, () => "a time such as 60s or 5m"),
      Flag.withDefault(Duration.seconds(60))
    )
  },
  Effect.fnUntraced(function* (options) {
    const { variables } = yield* Caller
    const names = namesOf(options.interfaces)
    const expected = { names, count: Option.getOrElse(options.count, () => Math.max(1, names.length)) }
    const { interfaces } = yield* waiting
      .wait(placesOf(options, variables), expected, options.timeout)
      .pipe(Effect.provide(Changes.layer), Effect.mapError(fromContainer))
    yield* Console.log(`There: ${interfaces.map(({ name }) => name).join(", ")}`)
  })
).pipe(
  Command.withDescription(
    "Wait until every expected interface is there: told about, its socket made if the switch does"
  )
)
