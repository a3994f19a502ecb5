/**
 * Device information, and Multus' annotation `network-status` that contains it: kind, path and role of a port in the
 * terms of the device information specification 1.1.0, which are the container's. Any plugin that follows it may have
 * written it. It has less than `ConfigurationData.ts`: no queues, no secret, addresses without prefix. For an interface
 * without device information, it only completes another source. Pure.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { absolutePath, type End, Judge, nothing, type Part, type Reading, shown } from "./Part.ts"

const nullable = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const text = nullable(Schema.String)

const DeviceInfo = Schema.Struct({
  type: Schema.String,
  "vhost-user": nullable(Schema.Struct({ mode: text, path: text })),
  memif: nullable(Schema.Struct({ role: text, path: text, mode: text }))
})
type DeviceInfo = typeof DeviceInfo.Type

const Status = Schema.Array(
  Schema.Struct({
    name: text,
    interface: text,
    ips: nullable(Schema.Array(Schema.String)),
    mac: text,
    mtu: nullable(Schema.Finite),
    gateway: nullable(Schema.Array(Schema.String)),
    "device-info": nullable(DeviceInfo)
  })
)

const decodeStatus = Schema.decodeUnknownResult(Schema.fromJsonString(Status))
const decodeDevice = Schema.decodeUnknownResult(Schema.fromJsonString(DeviceInfo))

const broken = (source: string, expected: string): Reading => ({
  ...nothing,
  problems: [`${source}: not ${expected}, or truncated`]
})

export const readNetworkStatus = (source: string, json: string): Reading => {
  const decoded = decodeStatus(json)
  if (Result.isFailure(decoded)) return broken(source, "a list of networks")
  const judge = new Judge(source)
  const parts = decoded.success.flatMap((status): ReadonlyArray<Part> => {
    const device = status["device-info"]
    const name = judge.ifName(status.interface)
    if (name === undefined) return []
    const gateways = status.gateway ?? []
    return [
      {
        source,
        name,
        network: judge.network(status.name),
        containerId: undefined,
        end: device ? endOf(judge, device) : undefined,
        mac: judge.mac(status.mac),
        mtu: judge.number("mtu", 68, 65535, status.mtu),
        addresses: (status.ips ?? []).flatMap((ip) =>
          judge.address(
            ip,
            gateways.find((gateway) => gateway.includes(":") === ip.includes(":"))
          )
        ),
        routes: []
      }
    ]
  })
  return { parts, problems: judge.problems }
}

/** A file of device information does not name its interface. */
export const readDeviceInfo = (source: string, name: string, json: string): Reading => {
  const decoded = decodeDevice(json)
  if (Result.isFailure(decoded)) return broken(source, "device information")
  const judge = new Judge(source)
  const ifName = judge.ifName(name)
  if (!isOurs(decoded.success)) judge.problem(`type ${shown(decoded.success.type)} is not vhost-user or memif`)
  const end = endOf(judge, decoded.success)
  if (ifName === undefined || end === undefined) return { parts: [], problems: judge.problems }
  const absent = { network: undefined, containerId: undefined, mac: undefined, mtu: undefined }
  return { parts: [{ source, name: ifName, end, ...absent, addresses: [], routes: [] }], problems: judge.problems }
}

/** Other types (pci, vdpa) are other plugins' devices. */
const isOurs = ({ type }: DeviceInfo): boolean => type === "vhost-user" || type === "memif"

const endOf = (judge: Judge, device: DeviceInfo): End | undefined => {
  const { memif } = device
  const vhost = device["vhost-user"]
  if (device.type === "vhost-user") {
    const mode = judge.choice("vhost-user.mode", ["client", "server"], "client", vhost?.mode)
    const socket = pathOf(judge, vhost?.path)
    if (mode === undefined || socket === undefined) return undefined
    return { kind: "vhost-user", mode, socket, queues: undefined, packed: false }
  }
  if (device.type !== "memif") return undefined
  const role = judge.choice("memif.role", ["master", "slave"], "slave", memif?.role)
  const mode = judge.choice("memif.mode", ["ethernet", "ip", "inject-punt"], "ethernet", memif?.mode)
  const [, abstractName] = /^(?:@|abstract:)([\x21-\x7e]{1,107})$/.exec(memif?.path ?? "") ?? []
  const abstract = abstractName !== undefined
  const socket = abstractName ?? pathOf(judge, memif?.path)
  if (role === undefined || mode === undefined || socket === undefined) return undefined
  const unsaid = { rxQueues: undefined, txQueues: undefined, ringSize: undefined, bufferSize: undefined }
  return { kind: "memif", role, mode, abstract, socket, ...unsaid, secret: undefined }
}

const pathOf = (judge: Judge, path: string | null | undefined): string | undefined =>
  absolutePath(path ?? "") ?? judge.problem(`path ${shown(path)} is not an absolute path`)
