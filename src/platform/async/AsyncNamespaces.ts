/** {@link Namespaces} for a process of many calls: see `AsyncFiles.ts`. A namespace that times out is unreadable. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { judgeBy, Namespaces } from "../Namespaces.ts"
import { onThread } from "./AsyncFileCalls.ts"
import { patience } from "./AsyncFiles.ts"

const judge = judgeBy(onThread)

export const layer = (millis: number = patience): Layer.Layer<Namespaces> =>
  Layer.succeed(
    Namespaces,
    Namespaces.of({
      judge: (path) =>
        Effect.timeoutOrElse(judge(path), { duration: millis, orElse: () => Effect.succeed("unreadable" as const) })
    })
  )
