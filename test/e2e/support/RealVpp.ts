/** {@link VppUnderTest} on a real VPP. */
import { Effect, Layer } from "effect"
import { VppUnderTest } from "../../suites/VppUnderTest.ts"
import { instance } from "./VppInstance.ts"

export const underTest = (prefix: string) =>
  Layer.effect(
    VppUnderTest,
    Effect.gen(function* () {
      const vpp = yield* instance(prefix)
      const [, release = "unknown"] = /^vpp v(\d+\.\d+)/.exec(yield* vpp.ctl("show", "version")) ?? []
      return { path: vpp.api, release, restart: Effect.orDie(Effect.andThen(vpp.kill, vpp.start)) }
    })
  )
