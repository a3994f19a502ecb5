/**
 * The Container Runtime Interface as an Effect service: kubelet's requests to a runtime, over its unix socket. Only the
 * calls of the tests. The definition is Debian's copy of kubernetes' api.proto.
 */
import { Client, credentials } from "@grpc/grpc-js"
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader"
import { Context, Effect, Layer, Schema } from "effect"
import { criProto } from "./Machine.ts"

export class CriError extends Schema.TaggedError<CriError>()("CriError", {
  method: Schema.String,
  /** gRPC's number; undefined when the answer had an unexpected form. */
  code: Schema.optionalKey(Schema.Int),
  answer: Schema.String
}) {
  override get message(): string {
    return `${this.method}: ${this.answer}`
  }
}

const Nothing = Schema.Struct({})
const methods = {
  Version: Schema.Struct({ runtime_name: Schema.String }),
  Status: Schema.Struct({
    status: Schema.Struct({
      conditions: Schema.Array(
        Schema.Struct({ type: Schema.String, status: Schema.Boolean, message: Schema.optionalKey(Schema.String) })
      )
    })
  }),
  RunPodSandbox: Schema.Struct({ pod_sandbox_id: Schema.String }),
  PodSandboxStatus: Schema.Struct({
    status: Schema.Struct({
      // Omitted when it is the first value: ready.
      state: Schema.optionalKey(Schema.String),
      network: Schema.optionalKey(Schema.Struct({ ip: Schema.optionalKey(Schema.String) }))
    }),
    /** With `verbose`: containerd's own information, as JSON. */
    info: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
  }),
  ListPodSandbox: Schema.Struct({ items: Schema.optionalKey(Schema.Array(Schema.Struct({ id: Schema.String }))) }),
  StopPodSandbox: Nothing,
  RemovePodSandbox: Nothing,
  CreateContainer: Schema.Struct({ container_id: Schema.String }),
  StartContainer: Nothing,
  StopContainer: Nothing
}
type Methods = typeof methods

export class Cri extends Context.Service<
  Cri,
  {
    readonly call: <M extends keyof Methods>(method: M, request: object) => Effect.Effect<Methods[M]["Type"], CriError>
  }
>()("userspace-cni/test/Cri") {
  static readonly layer = (socket: string) => Layer.effect(Cri, make(socket))
}

const definition = Effect.sync((): ServiceDefinition => {
  const found = loadSync(criProto, {
    keepCase: true,
    longs: String,
    enums: String,
    // proto3 omits false and 0; a Status that is not ready must contain it.
    defaults: false,
    includeDirs: ["/usr/share/gocode/src"]
  })["runtime.v1.RuntimeService"]
  if (found === undefined || "format" in found) throw new Error(`${criProto} does not define runtime.v1.RuntimeService`)
  return found
})

const make = Effect.fnUntraced(function* (socket: string) {
  const service = yield* definition
  const client = yield* Effect.acquireRelease(
    Effect.sync(
      () => new Client(`unix://${socket}`, credentials.createInsecure(), { "grpc.default_authority": "localhost" })
    ),
    (client) => Effect.sync(() => client.close())
  )

  const send = (method: string, request: object) =>
    Effect.callback<unknown, CriError>((resume) => {
      const found = service[method]
      if (found === undefined) return resume(new CriError({ method, answer: "not in the definition" }))
      const pending = client.makeUnaryRequest(
        found.path,
        found.requestSerialize,
        found.responseDeserialize,
        request,
        { deadline: Date.now() + 60_000 },
        (error, reply) =>
          resume(
            error === null ? Effect.succeed(reply) : new CriError({ method, code: error.code, answer: error.details })
          )
      )
      return Effect.sync(() => pending.cancel())
    })

  return Cri.of({
    call: (method, request) =>
      Effect.flatMap(send(method, request), (reply) =>
        Effect.mapError(
          Schema.decodeUnknownEffect(methods[method])(reply),
          (error) => new CriError({ method, answer: error.message })
        )
      )
  })
})
