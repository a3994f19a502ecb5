/**
 * A kubelet as device plugins meet the real one (Kubernetes 1.34): finds plugins by their sockets, follows their devices, admits
 * containers one after another, and remembers what it has given over its own restarts. Its gRPC is not the plugin's. `Kubelet.test.ts` holds it to a recording.
 */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { Client, credentials } from "@grpc/grpc-js"
import type { ServiceDefinition } from "@grpc/proto-loader"
import { Data, Effect, Schedule, Schema, Scope, Semaphore } from "effect"
import { untilTrue } from "../../support/Until.ts"
import { pluginServices } from "./KubeletServices.ts"

const Info = Schema.Struct({
  type: Schema.String,
  name: Schema.String,
  endpoint: Schema.String,
  supported_versions: Schema.Array(Schema.String)
})

const Devices = Schema.Struct({
  devices: Schema.Array(
    Schema.Struct({
      ID: Schema.String,
      health: Schema.String,
      topology: Schema.NullOr(Schema.Struct({ nodes: Schema.Array(Schema.Struct({ ID: Schema.Number })) }))
    })
  )
})

const Preferred = Schema.Struct({
  container_responses: Schema.Array(Schema.Struct({ ids: Schema.Array(Schema.String) }))
})

const Allocated = Schema.Struct({
  container_responses: Schema.Array(
    Schema.Struct({
      envs: Schema.Record(Schema.String, Schema.String),
      mounts: Schema.Array(
        Schema.Struct({ container_path: Schema.String, host_path: Schema.String, read_only: Schema.Boolean })
      ),
      devices: Schema.Array(Schema.Unknown),
      annotations: Schema.Record(Schema.String, Schema.String)
    })
  )
})

/** A pod that kubelet does not admit, for good. */
export class UnexpectedAdmissionError extends Data.TaggedError("UnexpectedAdmissionError")<{ readonly why: string }> {}

export interface Given {
  readonly ids: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly mounts: ReadonlyArray<{ readonly container_path: string; readonly host_path: string }>
}

/** What the real one keeps in `kubelet_internal_checkpoint`: by resource, by container. */
export type Checkpoint = Map<string, Map<string, ReadonlyArray<string>>>

/** In no order, as Go's maps have none. */
const shuffled = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
  all
    .map((one) => [Math.random(), one] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, one]) => one)

const connect = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(
      () => new Client(`unix://${path}`, credentials.createInsecure(), { "grpc.default_authority": "localhost" })
    ),
    (client) => Effect.sync(() => client.close())
  )

const call = <A>(
  client: Client,
  service: ServiceDefinition,
  method: string,
  answer: Schema.Decoder<A>,
  request: object
) =>
  Effect.callback<unknown, UnexpectedAdmissionError>((resume) => {
    const made = service[method]
    if (made === undefined) throw new Error(`there is no method ${method}`)
    const { path, requestSerialize, responseDeserialize } = made
    const started = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      { deadline: Date.now() + 60_000 },
      (error, value) =>
        resume(
          error === null
            ? Effect.succeed(value)
            : Effect.fail(new UnexpectedAdmissionError({ why: `${method}: ${error.message}` }))
        )
    )
    return Effect.sync(() => started.cancel())
  }).pipe(Effect.flatMap((value) => Effect.orDie(Schema.decodeUnknownEffect(answer)(value))))

/** Runs until the scope ends. A second one with the same checkpoint is kubelet after its restart. */
export const start = Effect.fnUntraced(function* (registry: string, checkpoint: Checkpoint = new Map()) {
  const { DevicePlugin, Registration } = pluginServices
  const scope = yield* Effect.scope
  /** By resource: whether each device is healthy. */
  const healthy = new Map<string, ReadonlyMap<string, boolean>>()
  const numaNodes = new Map<string, ReadonlyArray<number>>()
  const clients = new Map<string, Client>()
  const known = new Set<string>()

  const register = Effect.fnUntraced(function* (socket: string) {
    const info = yield* call(yield* connect(socket), Registration, "GetInfo", Info, {})
    if (info.type !== "DevicePlugin" || !info.supported_versions.includes("v1beta1")) return
    const client = yield* connect(info.endpoint)
    yield* call(client, DevicePlugin, "GetDevicePluginOptions", Schema.Unknown, {})
    clients.set(info.name, client)
    const { path, requestSerialize, responseDeserialize } = DevicePlugin["ListAndWatch"] ?? {}
    if (path === undefined || requestSerialize === undefined || responseDeserialize === undefined) return
    const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {})
    stream.on("data", (data: unknown) => {
      const { devices } = Schema.decodeUnknownSync(Devices)(data)
      healthy.set(info.name, new Map(devices.map(({ ID, health }) => [ID, health === "Healthy"])))
      numaNodes.set(
        info.name,
        devices.flatMap(({ topology }) => topology?.nodes.map(({ ID }) => ID) ?? [])
      )
    })
    // A plugin that is gone has no allocatable devices.
    const gone = () => {
      if (clients.get(info.name) !== client) return
      clients.delete(info.name)
      healthy.set(info.name, new Map())
      known.delete(socket)
    }
    stream.on("error", gone)
    stream.on("end", gone)
    yield* Effect.addFinalizer(() => Effect.sync(() => stream.cancel()))
    yield* call(yield* connect(socket), Registration, "NotifyRegistrationStatus", Schema.Unknown, {
      plugin_registered: true,
      error: ""
    })
  })

  /** The plugin watcher. */
  const watch = Effect.gen(function* () {
    const names = yield* Effect.sync(() => readdirSync(registry).filter((name) => name.endsWith(".sock")))
    for (const name of names) {
      const socket = join(registry, name)
      if (known.has(socket)) continue
      known.add(socket)
      yield* Effect.catchTag(Scope.provide(register(socket), scope), "UnexpectedAdmissionError", () =>
        Effect.sync(() => known.delete(socket))
      )
    }
  })
  yield* Effect.forkScoped(Effect.repeat(watch, Schedule.spaced("20 millis")))

  const usedOf = (resource: string) => checkpoint.get(resource) ?? new Map<string, ReadonlyArray<string>>()

  const allocatable = (resource: string): ReadonlyArray<string> =>
    [...(healthy.get(resource) ?? [])].flatMap(([id, isHealthy]) => (isHealthy ? [id] : []))

  /** Admits a container that asks for devices of a resource: once, however many sandboxes it will have. */
  const admit = Effect.fnUntraced(function* (resource: string, container: string, size: number) {
    const client = clients.get(resource)
    const used = usedOf(resource)
    const taken = new Set([...used.values()].flat())
    const available = allocatable(resource).filter((id) => !taken.has(id))
    if (client === undefined || available.length < size) {
      return yield* new UnexpectedAdmissionError({
        why: `no enough devices available: requested ${size}, available ${available.length}`
      })
    }
    const preferred = yield* call(client, DevicePlugin, "GetPreferredAllocation", Preferred, {
      container_requests: [
        { available_deviceIDs: shuffled(available), must_include_deviceIDs: [], allocation_size: size }
      ]
    })
    const ids = shuffled(preferred.container_responses[0]?.ids ?? [])
    const answer = yield* call(client, DevicePlugin, "Allocate", Allocated, { container_requests: [{ ids }] })
    checkpoint.set(resource, new Map([...used, [container, ids]]))
    const [own] = answer.container_responses
    if (own === undefined) return yield* new UnexpectedAdmissionError({ why: "Allocate answered nothing" })
    return { ids, environment: own.envs, mounts: own.mounts } satisfies Given
  })
  // No container of the node is admitted beside another.
  const serially = (yield* Semaphore.make(1)).withPermit

  return {
    allocatable,
    numaNodes: (resource: string) => numaNodes.get(resource) ?? [],
    until: (what: () => boolean) => untilTrue(String(what), what, { every: "10 millis" }),
    admit: (resource: string, container: string, size: number) => serially(admit(resource, container, size)),
    /** The pod has ended: its devices are free. */
    free: (resource: string, container: string) => Effect.sync(() => checkpoint.get(resource)?.delete(container))
  }
})
