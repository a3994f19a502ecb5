/** The targets under bun, which the executable runs on: its JSON, stack and patterns are not Node's. For `make fuzz`. */
import { Cause, Effect, Exit } from "effect"
import { kept, run, runKept, table } from "./support/Fuzz.ts"
import { targets } from "./Targets.ts"

const only = process.argv[2]
const chosen = targets.filter(({ name }) => only === undefined || name === only)

const all = Effect.forEach(chosen, (target) =>
  Effect.gen(function* () {
    const began = performance.now()
    for (const [file, input] of kept(target)) {
      yield* Effect.mapError(runKept(target, input), (why) => `corpus/${target.name}/${file}: ${why}`)
    }
    const cases = yield* run(target, 1 / chosen.length)
    return [target.name, cases, (performance.now() - began) / 1000] as const
  }).pipe(
    Effect.exit,
    Effect.map((exit) => {
      if (Exit.isSuccess(exit)) return exit.value
      console.error(`${target.name}: ${Cause.pretty(exit.cause)}`)
      process.exitCode = 1
      return [target.name, 0, 0] as const
    })
  )
)

const rows = await Effect.runPromise(all)
console.log(table(rows))
