/** `userspace container doctor` */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { jsonFlag, placeFlags } from "../../input/ContainerFlags.ts"

export const doctor = Command.make("doctor", { ...placeFlags, json: jsonFlag }, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("../../doctor/PerformContainerDoctor.ts")),
    ({ performContainerDoctor }) => performContainerDoctor(options)
  )
).pipe(
  Command.withDescription(
    "Find what keeps the application from opening its interfaces, as far as it can be seen from inside; changes nothing. Exit status 1: something was found; 2: something could not be inspected"
  )
)
