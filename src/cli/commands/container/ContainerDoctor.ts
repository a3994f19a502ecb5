/** `userspace container doctor` */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { judge, lookAtMounts } from "../../../attachment/doctor/Inside.ts"
import { find } from "../../../container/Discovery.ts"
import * as Presence from "../../../container/Presence.ts"
import { jsonFlag } from "../../input/Flags.ts"
import { findingLines, linkLines, statusOf } from "../../print/DoctorText.ts"
import { ExitStatus, InvocationContext, print } from "../../print/Printer.ts"
import { type PlaceOptions, placeFlags, placesOf } from "./ContainerFlags.ts"

const perform = Effect.fnUntraced(function* ({ json, ...options }: PlaceOptions & { readonly json: boolean }) {
  const { style, variables } = yield* InvocationContext
  const found = yield* find(placesOf(options, variables))
  const seen = yield* Effect.forEach(found.interfaces, (one) =>
    Effect.map(Presence.look(one), (presence) => ({ one, presence }))
  )
  const judged = judge(found, seen, yield* lookAtMounts)
  const status = statusOf(judged)
  yield* print(
    json,
    { status, ...judged },
    [...linkLines("Container", judged, style), "", ...findingLines([{ name: "container", judged }], style)].join("\n")
  )
  if (status !== 0) return yield* new ExitStatus({ status })
})

export const command = Command.make("doctor", { ...placeFlags, json: jsonFlag }, perform).pipe(
  Command.withDescription(
    "Find what keeps the application from opening its interfaces, as far as it can be seen from inside; changes nothing. Exit status 1: something was found; 2: something could not be inspected"
  )
)
