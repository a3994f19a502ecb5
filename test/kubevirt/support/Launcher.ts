/**
 * A virt-launcher as sidecars meet the real one (KubeVirt 1.8): it waits for the socket, dials with a second, asks what the
 * sidecar hooks, and for the domain twice. On the target of a migration it discards the answer. Its gRPC is not the plugin's.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Client, credentials } from "@grpc/grpc-js"
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader"
import { Data, Effect, Schema } from "effect"
import { untilTrue } from "../../support/Until.ts"

const definitions = loadSync(join(import.meta.dirname, "hooks.proto"), { keepCase: true, defaults: true })

const serviceOf = (name: string, prefix: string): ServiceDefinition => {
  const service = definitions[`test.${name}`]
  if (service === undefined || "format" in service) throw new Error(`there is no service ${name}`)
  return Object.fromEntries(
    Object.entries(service).map(([method, definition]) => [method, { ...definition, path: `${prefix}/${method}` }])
  )
}

const info = serviceOf("Info", "/kubevirt.hooks.info.Info")
const callbacks = serviceOf("Callbacks", "/kubevirt.hooks.v1alpha3.Callbacks")

export class HookError extends Data.TaggedError("HookError")<{ readonly message: string }> {}

const Hooks = Schema.Struct({
  name: Schema.String,
  hookPoints: Schema.Array(Schema.Struct({ name: Schema.String, priority: Schema.Number })),
  versions: Schema.Array(Schema.String)
})

const Defined = Schema.Struct({ domainXML: Schema.Uint8Array })

/** Milliseconds: of dialling and Info, and of a callback. */
const soon = 1_000
const later = 60_000

const call = <A>(
  client: Client,
  service: ServiceDefinition,
  method: string,
  answer: Schema.Decoder<A>,
  request: object,
  millis: number
) =>
  Effect.callback<unknown, HookError>((resume) => {
    const { path, requestSerialize, responseDeserialize } = service[method] ?? { path: undefined }
    if (path === undefined || requestSerialize === undefined || responseDeserialize === undefined) return
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      { deadline: Date.now() + millis },
      (error, value) =>
        resume(error === null ? Effect.succeed(value) : Effect.fail(new HookError({ message: error.details })))
    )
  }).pipe(Effect.flatMap((value) => Effect.orDie(Schema.decodeUnknownEffect(answer)(value))))

/** What the real one has found out of a sidecar when it starts. */
export const meet = Effect.fnUntraced(function* (socket: string) {
  yield* untilTrue("the hook's socket", () => existsSync(socket))
  const client = yield* Effect.acquireRelease(
    Effect.sync(
      () => new Client(`unix://${socket}`, credentials.createInsecure(), { "grpc.default_authority": "localhost" })
    ),
    (client) => Effect.sync(() => client.close())
  )
  const hooks = yield* call(client, info, "Info", Hooks, {}, soon)
  const define = (domain: string, virtualMachine: object) =>
    Effect.map(
      call(
        client,
        callbacks,
        "OnDefineDomain",
        Defined,
        { domainXML: Buffer.from(domain), vmi: Buffer.from(JSON.stringify(virtualMachine)) },
        later
      ),
      ({ domainXML }) => Buffer.from(domainXML).toString("utf8")
    )
  return {
    hooks,
    define,
    /** Once for the definition, and again with the answer, as after a restart of virt-launcher's sync. */
    defineTwice: (domain: string, virtualMachine: object) =>
      Effect.all([define(domain, virtualMachine), define(domain, virtualMachine)]),
    shutdown: call(client, callbacks, "Shutdown", Schema.Unknown, {}, later)
  }
})
