/**
 * What KubeVirt says of a virtual machine to a sidecar of a network binding plugin: the virtual machine, as JSON, and the
 * interfaces that the CNI plugin has made, from the downward API. Pure. KubeVirt 1.5 to 1.9: `kubevirt.io/network-info`.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Interface, Refusal } from "./Domain.ts"

const VirtualMachine = Schema.Struct({
  spec: Schema.Struct({
    domain: Schema.Struct({
      cpu: Schema.optional(
        Schema.Struct({
          cores: Schema.optional(Schema.Number),
          sockets: Schema.optional(Schema.Number),
          threads: Schema.optional(Schema.Number)
        })
      ),
      devices: Schema.Struct({
        interfaces: Schema.optional(
          Schema.Array(
            Schema.Struct({
              name: Schema.String,
              macAddress: Schema.optional(Schema.String),
              binding: Schema.optional(Schema.Struct({ name: Schema.String }))
            })
          )
        ),
        networkInterfaceMultiqueue: Schema.optional(Schema.Boolean)
      })
    })
  })
})

const Socket = Schema.Struct({ mode: Schema.Literals(["client", "server"]), path: Schema.String })

/** `mac`: since KubeVirt 1.8. `mtu`: since 1.9. */
const NetworkInfo = Schema.Struct({
  interfaces: Schema.Array(
    Schema.Struct({
      network: Schema.String,
      mac: Schema.optional(Schema.String),
      mtu: Schema.optional(Schema.Number),
      deviceInfo: Schema.optional(Schema.Struct({ type: Schema.String, "vhost-user": Schema.optional(Socket) }))
    })
  )
})
export type NetworkInfo = typeof NetworkInfo.Type

const decodeVirtualMachine = Schema.decodeUnknownResult(Schema.fromJsonString(VirtualMachine))

/** Undefined: the file is not written yet. */
export const networkInfoIn = (text: string): Result.Result<NetworkInfo | undefined, Refusal> =>
  text.trim() === ""
    ? Result.succeed(undefined)
    : Result.mapError(Schema.decodeUnknownResult(Schema.fromJsonString(NetworkInfo))(text), ({ message }) => ({
        failed: `the annotation kubevirt.io/network-info cannot be used: ${message}`,
        cure: "Set downwardAPI: device-info where the network binding plugin is registered."
      }))

/** QEMU's limit, and KubeVirt's. */
const mostQueues = 256

/** The interfaces of the binding that have a socket. Fails for one that has none. */
export const interfacesOf = (
  virtualMachine: string,
  binding: string,
  info: NetworkInfo
): Result.Result<ReadonlyArray<Interface>, Refusal> =>
  Result.gen(function* () {
    const { spec } = yield* Result.mapError(decodeVirtualMachine(virtualMachine), ({ message }) => ({
      failed: `the virtual machine cannot be read: ${message}`,
      cure: "Check that this release of KubeVirt is one of docs/kubevirt.md."
    }))
    const { cpu = {}, devices } = spec.domain
    const vcpus = (cpu.cores ?? 1) * (cpu.sockets ?? 1) * (cpu.threads ?? 1)
    const queues = devices.networkInterfaceMultiqueue === true ? Math.min(vcpus, mostQueues) : 1
    const found: Array<Interface> = []
    for (const { binding: own, macAddress, name } of devices.interfaces ?? []) {
      if (own?.name !== binding) continue
      const told = info.interfaces.find(({ network }) => network === name)
      const socket = told?.deviceInfo?.["vhost-user"]
      if (socket === undefined) return yield* Result.fail(noSocket(name, told?.deviceInfo?.type))
      found.push({ network: name, ...socket, mac: told?.mac ?? macAddress, mtu: told?.mtu, queues })
    }
    return found
  })

const noSocket = (name: string, type: string | undefined): Refusal => ({
  failed: `network ${name} has no vhost-user socket: its device information is ${type ?? "missing"}`,
  cure: "Use a vhostuser network with a device: capabilities CNIDeviceInfoFile and deviceID, resourceName, and the annotation k8s.v1.cni.cncf.io/resourceName of the NetworkAttachmentDefinition."
})
