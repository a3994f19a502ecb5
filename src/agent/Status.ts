/** The agent's status, and a GET request to an agent, from itself and from commands. Calls use `client/`. */
import * as Http from "node:http"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export const Status = Schema.Struct({
  version: Schema.String,
  pid: Schema.Int,
  since: Schema.String,
  state: Schema.Literals(["starting", "ready", "draining"]),
  socket: Schema.String,
  /** How often the socket was recreated, because its file was missing or another's. */
  rebound: Schema.Int,
  calls: Schema.Struct({
    served: Schema.Int,
    failed: Schema.Int,
    interrupted: Schema.Int,
    running: Schema.Int,
    queued: Schema.Int
  }),
  /** Calls whose processes made them, since the agent declined them. Absent: none, or not told. */
  declined: Schema.optionalKey(
    Schema.Struct({ calls: Schema.Int, at: Schema.String, why: Schema.String, cure: Schema.NullOr(Schema.String) })
  ),
  underWay: Schema.Array(
    Schema.Struct({
      invocation: Schema.String,
      verb: Schema.String,
      containerId: Schema.String,
      interface: Schema.String,
      since: Schema.String,
      state: Schema.Literals(["queued", "running"])
    })
  ),
  switches: Schema.Array(Schema.Struct({ engine: Schema.String, control: Schema.String, since: Schema.String })),
  /** Over TCP. Absent: nowhere, or not told. */
  metrics: Schema.optionalKey(Schema.Struct({ url: Schema.String, problem: Schema.NullOr(Schema.String) })),
  /** The last rounds of healing; null: none has ended yet. */
  healing: Schema.NullOr(
    Schema.Struct({
      at: Schema.String,
      looked: Schema.Int,
      findings: Schema.Array(
        Schema.Struct({
          finding: Schema.String,
          network: Schema.NullOr(Schema.String),
          containerId: Schema.NullOr(Schema.String),
          interface: Schema.NullOr(Schema.String),
          words: Schema.String,
          outcome: Schema.String
        })
      ),
      /** What could not be inspected. */
      problems: Schema.Array(Schema.Struct({ failed: Schema.String, cure: Schema.String }))
    })
  ),
  lastFailure: Schema.NullOr(
    Schema.Struct({
      at: Schema.String,
      verb: Schema.String,
      containerId: Schema.String,
      code: Schema.Number,
      msg: Schema.String,
      cure: Schema.String
    })
  )
})
export type Status = typeof Status.Type

export const decodeStatus = Schema.decodeUnknownEffect(Schema.fromJsonString(Status))

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
