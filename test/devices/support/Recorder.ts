/**
 * A device plugin that notes what kubelet calls: a real kubelet of 1.34.9 called it as `kubelet-1.34.jsonl` says, and the kubelet
 * of the tests is held to that. Four devices of `userspace-cni/recorded`, the first of those available is preferred.
 */
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status
} from "@grpc/grpc-js"
import { Effect } from "effect"
import { pluginServices } from "./KubeletServices.ts"

/** A call as it came, or what was done beside kubelet. */
export interface Noted {
  readonly call: string
  readonly request?: unknown
}

interface PreferenceRequest {
  readonly container_requests: ReadonlyArray<{
    readonly available_deviceIDs: ReadonlyArray<string>
    readonly allocation_size: number
  }>
}

export const resource = "userspace-cni/recorded"

const ids = ["recorded-0", "recorded-1", "recorded-2", "recorded-3"]

/** Serves in the registry until the scope ends. `Allocate` takes as long as another call needs to come beside it. */
export const record = Effect.fnUntraced(function* (
  registry: string,
  allocateTakes: number,
  note: (noted: Noted) => void
) {
  const socket = join(registry, "recorded.sock")
  let health = "Healthy"
  let refuses = false
  let underWay = 0
  const streams = new Set<ServerWritableStream<unknown, unknown>>()
  const devices = () => ({ devices: ids.map((ID) => ({ ID, health })) })
  const noting =
    <Q>(name: string, answer: (request: Q) => unknown, delay = 0) =>
    (asked: ServerUnaryCall<Q, unknown>, respond: sendUnaryData<unknown>) => {
      underWay += 1
      note({ call: underWay > 1 ? `${name} beside another` : name, request: asked.request })
      setTimeout(() => {
        underWay -= 1
        if (refuses && name === "Allocate") respond({ code: status.INTERNAL, details: "refused" })
        else respond(null, answer(asked.request))
      }, delay)
    }
  const { DevicePlugin, Registration } = pluginServices
  const server = new Server()
  server.addService(Registration, {
    GetInfo: noting("GetInfo", () => ({
      type: "DevicePlugin",
      name: resource,
      endpoint: socket,
      supported_versions: ["v1beta1"]
    })),
    NotifyRegistrationStatus: noting("NotifyRegistrationStatus", () => ({}))
  })
  server.addService(DevicePlugin, {
    GetDevicePluginOptions: noting("GetDevicePluginOptions", () => ({ get_preferred_allocation_available: true })),
    ListAndWatch: (stream: ServerWritableStream<unknown, unknown>) => {
      note({ call: "ListAndWatch" })
      streams.add(stream)
      stream.on("cancelled", () => {
        streams.delete(stream)
        note({ call: "ListAndWatch ended" })
      })
      stream.write(devices())
    },
    GetPreferredAllocation: noting("GetPreferredAllocation", ({ container_requests }: PreferenceRequest) => ({
      container_responses: container_requests.map(({ allocation_size, available_deviceIDs }) => ({
        ids: [...available_deviceIDs].toSorted().slice(0, allocation_size)
      }))
    })),
    Allocate: noting(
      "Allocate",
      ({ container_requests }: { container_requests: ReadonlyArray<unknown> }) => ({
        container_responses: container_requests.map(() => ({ envs: { RECORDED: "1" } }))
      }),
      allocateTakes
    ),
    PreStartContainer: noting("PreStartContainer", () => ({}))
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      mkdirSync(registry, { recursive: true })
      rmSync(socket, { force: true })
      server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) =>
        resume(error === null ? Effect.void : Effect.die(error))
      )
    }),
    () =>
      Effect.sync(() => {
        rmSync(socket, { force: true })
        server.forceShutdown()
      })
  )
  return {
    setHealth: (now: "Healthy" | "Unhealthy") => {
      health = now
      for (const stream of streams) stream.write(devices())
    },
    refuse: (now: boolean) => {
      refuses = now
    }
  }
})
