/** `userspace status`. Its implementation is loaded on demand. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { networkFlags } from "../input/AttachmentFlags.ts"
import { jsonFlag } from "../input/ContainerFlags.ts"

export const status = Command.make("status", { ...networkFlags, json: jsonFlag }, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("../perform/PerformStatus.ts")),
    ({ performStatus }) => performStatus(options)
  )
).pipe(
  Command.withDescription(
    "Report whether an ADD would succeed now: asks the switch, the state directory and the IPAM plugin; changes nothing"
  )
)
