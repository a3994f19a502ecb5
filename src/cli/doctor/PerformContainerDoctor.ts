/** Runs `userspace container doctor`. */
import * as Effect from "effect/Effect"
import { judge, lookAtMounts } from "../../attachment/doctor/inside/Inside.ts"
import { find } from "../../container/Discovery.ts"
import * as Presence from "../../container/Presence.ts"
import { type PlaceOptions, placesOf } from "../input/ContainerFlags.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { print } from "../perform/Node.ts"
import { ExitStatus } from "../text/CommandLineError.ts"
import { findingLines, linkLines, statusOf } from "./DoctorText.ts"

export const perform = Effect.fnUntraced(function* ({ json, ...options }: PlaceOptions & { readonly json: boolean }) {
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
