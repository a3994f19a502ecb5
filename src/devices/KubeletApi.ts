/**
 * The messages of kubelet's interfaces for device plugins: `v1beta1.DevicePlugin`, and `pluginregistration.Registration`, by
 * which kubelet finds a plugin by its socket. Kubernetes 1.34, k8s.io/kubelet/pkg/apis. Pure.
 */
import type { Message } from "../grpc/Protobuf.ts"

const string = (number: number) => ({ number, type: "string" }) as const
const strings = (number: number) => ({ number, type: "string", repeated: true }) as const
const bool = (number: number) => ({ number, type: "bool" }) as const
const int = (number: number) => ({ number, type: "int" }) as const
const map = (number: number) => ({ number, type: "map" }) as const
const one = <M extends Message>(number: number, type: M) => ({ number, type }) as const
const several = <M extends Message>(number: number, type: M) => ({ number, type, repeated: true }) as const

export const Empty = {} as const

export const PluginInfo = {
  type: string(1),
  name: string(2),
  endpoint: string(3),
  supportedVersions: strings(4)
} as const

export const RegistrationStatus = { pluginRegistered: bool(1), error: string(2) } as const

export const Options = { preStartRequired: bool(1), getPreferredAllocationAvailable: bool(2) } as const

const Topology = { nodes: several(1, { id: int(1) } as const) } as const

const Device = { id: string(1), health: string(2), topology: one(3, Topology) } as const

export const Devices = { devices: several(1, Device) } as const

const Preference = { available: strings(1), mustInclude: strings(2), size: int(3) } as const

export const PreferenceRequest = { containers: several(1, Preference) } as const

export const PreferenceResponse = { containers: several(1, { ids: strings(1) } as const) } as const

export const AllocateRequest = { containers: several(1, { ids: strings(1) } as const) } as const

const Mount = { containerPath: string(1), hostPath: string(2), readOnly: bool(3) } as const

/** Of one container. */
export const ContainerAllocated = { environment: map(1), mounts: several(2, Mount) } as const

export const AllocateResponse = { containers: several(1, ContainerAllocated) } as const
