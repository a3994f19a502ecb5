/** A real VPP for the suites on one, which a test can also ask what it is. */
import { basename } from "node:path"
import { Context, Effect, Layer } from "effect"
import { VppUnderTest } from "../../suites/VppUnderTest.ts"
import { instance, type VppInstance } from "./VppInstance.ts"

export class Host extends Context.Service<Host, VppInstance>()("userspace-cni/test/Host") {}

export const host = (prefix: string) =>
  Layer.provideMerge(
    Layer.effect(
      VppUnderTest,
      Effect.map(Host, (vpp) => ({
        path: vpp.api,
        release: basename(prefix),
        restart: Effect.orDie(Effect.andThen(vpp.kill, vpp.start))
      }))
    ),
    Layer.effect(Host, instance(prefix))
  )
