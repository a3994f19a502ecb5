/**
 * `outcomes.json` of the hostile process: what became of each release in each case. `HOSTILE_RECORD=1` adds what a run
 * sees to it, so that an outcome that varies is a set; docs/security.md shows it. Without `HOSTILE=1` what has lived has
 * to live; what ends a switch is that switch's defect, and another in its next build: it may.
 */
import { writeFileSync } from "node:fs"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { casesOf, isRace, type Role } from "../hostile-process/Cases.ts"
import { outcomes, outcomesFile, recorded } from "../hostile-process/Outcomes.ts"
import { compiled, type Ground, neighbour, outcomeOf } from "./HostileProcess.ts"
import { missing, type Need } from "./Machine.ts"

const recording = process.env["HOSTILE_RECORD"] === "1"
const whole = recording || process.env["HOSTILE"] === "1"

const record = (release: string, role: Role, name: string, outcome: string): void => {
  const all = outcomes()
  const known = recorded(release, role, name)
  const seen = [...new Set([...known, outcome])].sort().join(" or ")
  const of = { ...all[release], [role]: { ...all[release]?.[role], [name]: seen } }
  writeFileSync(outcomesFile, `${JSON.stringify({ ...all, [release]: of }, null, 2)}\n`)
}

interface Standing {
  readonly ground: Ground
  readonly program: string
  readonly frames: Effect.Effect<number>
}

/** The ground of a suite: the same until a case ends the switch. */
class Grounds extends Context.Service<
  Grounds,
  { readonly standing: Effect.Effect<Standing, unknown>; readonly leave: Effect.Effect<void> }
>()("userspace-cni/test/Grounds") {}

const grounds = (role: Role, make: Effect.Effect<Ground, unknown, Scope.Scope>) =>
  Layer.effect(
    Grounds,
    Effect.gen(function* () {
      const outer = yield* Effect.scope
      let now: (Standing & { readonly scope: Scope.Closeable }) | undefined
      const prepared = Effect.gen(function* () {
        const ground = yield* make
        const program = yield* compiled(ground.directory)
        return { ground, program, frames: yield* neighbour(program, role, ground) }
      })
      return {
        standing: Effect.gen(function* () {
          if (now !== undefined) return now
          const scope = yield* Scope.fork(outer)
          now = { ...(yield* Scope.provide(prepared, scope)), scope }
          return now
        }),
        leave: Effect.suspend(() => {
          const scope = now?.scope
          now = undefined
          return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
        })
      }
    })
  )

export interface Suite {
  readonly needs: ReadonlyArray<Need>
  readonly engine: "Open vSwitch" | "VPP"
  readonly version: string
  readonly role: Role
  readonly ground: Effect.Effect<Ground, unknown, Scope.Scope>
  /** A switch for each case, whatever becomes of it. */
  readonly fresh: boolean
}

/** A test for each case; all skipped, with the reason in the name, when the machine or the record lacks something. */
export const meets = ({ engine, fresh, ground, needs, role, version }: Suite): void => {
  const release = `${engine} ${version}`
  const known = outcomes()[release]?.[role] !== undefined
  const absent = [
    ...missing([...needs, "compiler"]),
    ...(known || recording ? [] : [`no outcomes of ${release} are recorded: HOSTILE_RECORD=1`])
  ]
  const name = `hostile processes, ${release} as ${role}`
  const title = absent.length === 0 ? name : `${name} [skipped: ${absent.join("; ")}]`
  if (absent.length > 0) process.stderr.write(`${title}\n`)
  layer(grounds(role, ground), { excludeTestServices: true })(title, (it) => {
    for (const [one, does] of Object.entries(casesOf[engine]?.[role] ?? {})) {
      const expected = recorded(release, role, one).join()
      // To see that a switch hangs takes a minute.
      if ((isRace(engine, role, one) && !recording) || (expected === "hangs" && !whole)) continue
      it.effect.skipIf(absent.length > 0)(`${one}: ${does}`, () =>
        Effect.gen(function* () {
          const { leave, standing } = yield* Grounds
          const { frames, ground, program } = yield* standing
          const outcome = yield* outcomeOf(program, role, one, ground, frames)
          if (fresh || outcome !== "lives") yield* leave
          if (recording) record(release, role, one, outcome)
          if (whole || expected === "lives") assert.include(recorded(release, role, one), outcome)
        }).pipe(Effect.scoped)
      )
    }
  })
}
