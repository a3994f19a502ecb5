/** A GET request to an agent, from the agent itself and from commands. Calls use `client/`. */
import * as Http from "node:http"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

export class NoAgent extends Data.TaggedError("NoAgent")<{ readonly answer: string }> {}

export interface Reply {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly text: string
}

export const get = (
  socketPath: string,
  path: string,
  { headers = {}, millis = 2_000 }: { readonly headers?: Http.OutgoingHttpHeaders; readonly millis?: number } = {}
): Effect.Effect<Reply, NoAgent> =>
  Effect.callback((resume) => {
    const failed = (cause: Error) =>
      resume(Effect.fail(new NoAgent({ answer: "code" in cause ? String(cause.code) : cause.message })))
    const request = Http.request({ socketPath, path, headers, timeout: millis, agent: false }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => void chunks.push(chunk))
      response.on("error", failed)
      response.on("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString("utf8")
          })
        )
      )
    })
    request.on("timeout", () => request.destroy(new Error(`no answer within ${millis} ms`)))
    request.on("error", failed)
    request.end()
    return Effect.sync(() => void request.destroy())
  })
