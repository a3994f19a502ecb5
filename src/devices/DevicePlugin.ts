/**
 * Kubelet's device plugin of one resource: which devices there are and whether their switch is there, which ones a container
 * should get, and its directory. Kubelet finds the plugin by its socket in `plugins_registry`, after its own restart as well.
 * Kubernetes 1.34, docs/concepts/extend-kubernetes/compute-storage-net/device-plugins.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { keepServing, type Methods, streaming, unary } from "../grpc/GrpcServer.ts"
import { fullName, mountedAt } from "../identity/Device.ts"
import { DeviceDirectories } from "./DeviceDirectories.ts"
import * as Kubelet from "./KubeletApi.ts"
import { idsOf, type Resource } from "./Resources.ts"

export interface Health {
  readonly isUp: () => boolean
  /** Calls the listener after each change, until the returned function is called. */
  readonly listen: (changed: () => void) => () => void
}

interface Options {
  readonly resource: Resource
  readonly health: Health
  /** Devices that an attachment has. Nobody waits for it long: it is only a preference. */
  readonly attached: Effect.Effect<ReadonlySet<string>>
  /** Kubelet's directory `plugins_registry`. */
  readonly registry: string
}

/** Repeated until it is made: the container waits for its network meanwhile, whose ADD says why it fails. */
const again = Schedule.spaced("2 seconds")

/** Serves the resource until the scope ends. */
export const serve = Effect.fnUntraced(function* (options: Options) {
  const { registry, resource } = options
  const path = join(registry, `userspace-cni-${resource.name}.sock`)
  yield* keepServing(path, { ...registration(resource, path), ...(yield* plugin(options)) })
})

const registration = (resource: Resource, endpoint: string): Methods => ({
  "/pluginregistration.Registration/GetInfo": unary(Kubelet.Empty, Kubelet.PluginInfo, () =>
    Effect.succeed({ type: "DevicePlugin", name: fullName(resource.name), endpoint, supportedVersions: ["v1beta1"] })
  ),
  "/pluginregistration.Registration/NotifyRegistrationStatus": unary(
    Kubelet.RegistrationStatus,
    Kubelet.Empty,
    ({ error, pluginRegistered }) =>
      Effect.as(
        pluginRegistered
          ? Effect.logInfo(`kubelet knows ${fullName(resource.name)}: ${resource.count} devices`)
          : Effect.logError(`kubelet refuses ${fullName(resource.name)}: ${error}. Its log says more.`),
        {}
      )
  )
})

const plugin = Effect.fnUntraced(function* ({ attached, health, resource }: Options) {
  const directories = yield* DeviceDirectories
  const scope = yield* Effect.scope
  const ids = idsOf(resource)
  // Two calls at once would take each other's links away.
  const alone = (yield* Semaphore.make(1)).withPermit

  const devices = () => ({
    devices: ids.map((id) => ({
      id,
      health: health.isUp() ? "Healthy" : "Unhealthy",
      topology: resource.numaNode === undefined ? undefined : { nodes: [{ id: resource.numaNode }] }
    }))
  })

  /** What fails is repeated: an error here would end the pod for good, and the directory can be made later. */
  const allocated = Effect.fnUntraced(function* (devices: ReadonlyArray<string>) {
    const directory = yield* directories.name(devices)
    const made = alone(directories.make(directory, devices, resource.access))
    yield* Effect.catch(made, (error) =>
      Effect.andThen(
        Effect.logError(
          `cannot make the directory of ${devices.join(", ")}: ${error.message}. Trying again; the pod waits for its network.`
        ),
        Effect.forkIn(Effect.retry(made, again), scope)
      )
    )
    const containerPath = mountedAt(resource.name)
    return {
      environment: { USERSPACE_DIR: containerPath },
      mounts: [{ containerPath, hostPath: directory, readOnly: false }]
    }
  })

  /** Devices that are free for longest come first, and those that an attachment still has, as of a pod that ends, last. */
  const preferred = Effect.gen(function* () {
    const given = yield* Effect.orElseSucceed(directories.given, (): ReadonlyMap<string, number> => new Map())
    const taken = yield* attached
    const index = new Map(ids.map((id, position) => [id, position]))
    return (one: string, other: string) =>
      Number(taken.has(one)) - Number(taken.has(other)) ||
      (given.get(one) ?? 0) - (given.get(other) ?? 0) ||
      (index.get(one) ?? 0) - (index.get(other) ?? 0)
  })

  const methods: Methods = {
    "/v1beta1.DevicePlugin/GetDevicePluginOptions": unary(Kubelet.Empty, Kubelet.Options, () =>
      Effect.succeed({ getPreferredAllocationAvailable: true })
    ),
    "/v1beta1.DevicePlugin/ListAndWatch": streaming(Kubelet.Empty, Kubelet.Devices, (_, send) =>
      Effect.callback<void>(() => {
        send(devices())
        const end = health.listen(() => send(devices()))
        return Effect.sync(end)
      })
    ),
    "/v1beta1.DevicePlugin/GetPreferredAllocation": unary(
      Kubelet.PreferenceRequest,
      Kubelet.PreferenceResponse,
      ({ containers }) =>
        Effect.map(preferred, (order) => ({
          containers: containers.map(({ available, mustInclude, size }) => {
            const rest = available.filter((id) => !mustInclude.includes(id)).toSorted(order)
            return { ids: [...mustInclude, ...rest].slice(0, size) }
          })
        }))
    ),
    "/v1beta1.DevicePlugin/Allocate": unary(
      Kubelet.AllocateRequest,
      Kubelet.AllocateResponse,
      Effect.fnUntraced(function* ({ containers }) {
        return { containers: yield* Effect.forEach(containers, ({ ids }) => allocated(ids)) }
      })
    ),
    "/v1beta1.DevicePlugin/PreStartContainer": unary(Kubelet.Empty, Kubelet.Empty, () => Effect.succeed({}))
  }
  return methods
})
