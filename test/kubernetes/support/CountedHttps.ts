/** The real HTTPS, with its requests counted: a test lets time pass when none runs. */
import { Effect, Layer } from "effect"
import { Https } from "../../../src/platform/Https.ts"
import * as NodeHttps from "../../platform/support/node/NodeHttps.ts"

type Send = Https["Service"]["send"]

/** `instead`: answers a request without a server. */
export const countedHttps = (
  instead: (request: Parameters<Send>[0]) => ReturnType<Send> | undefined = () => undefined
) => {
  const count = { begun: 0, running: 0 }
  const layer = Layer.effect(
    Https,
    Effect.map(Https, ({ send }) =>
      Https.of({
        send: (request) =>
          Effect.suspend(() => {
            count.begun++
            count.running++
            return Effect.ensuring(
              instead(request) ?? send(request),
              Effect.sync(() => {
                count.running--
              })
            )
          })
      })
    )
  ).pipe(Layer.provide(NodeHttps.layer))
  return { count, layer }
}
