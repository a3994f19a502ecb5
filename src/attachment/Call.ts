/**
 * One validated call of the plugin: the attachment, the request, the invocation context, and what follows from them:
 * paths, and the request to the switch. Pure.
 */

import type { Configuration } from "../cni/network/Configuration.ts"
import type { CniResult } from "../cni/spec/CniResult.ts"
import type { Environment } from "../cni/spec/Environment.ts"
import { deviceInfoPath } from "../container-config/DeviceInfo.ts"
import { type Attachment, derivedMac } from "../identity/Attachment.ts"
import type { Delegation } from "../ipam/Delegation.ts"
import { type SocketPaths, socketPathsOf, type Volume } from "../shared-dir/SocketPaths.ts"
import type { Address, PortRequest } from "../vswitch/PortRequest.ts"
import type { Record } from "./records/Record.ts"
import { recordFormat } from "./records/RecordFormat.ts"

export interface Call {
  readonly attachment: Attachment
  readonly configuration: Configuration
  readonly environment: Environment
  /** The result of the preceding plugin in the chain; on CHECK and DEL, the result of ADD. */
  readonly previous: CniResult | undefined
}

/** A call for a whole network. */
export interface NetworkCall {
  readonly network: string
  readonly configuration: Configuration
  readonly environment: Environment
}

export const defaultStateDir = "/var/lib/cni/usrspcni"

const stateDirOf = ({ netConf }: Configuration): string => netConf.stateDir ?? defaultStateDir

export const socketPathsFor = ({ attachment, configuration }: Call, handle: string, volume?: Volume): SocketPaths =>
  socketPathsOf({
    attachment,
    handle,
    volume,
    port: configuration.port,
    sharedDir: configuration.netConf.sharedDir,
    stateDir: stateDirOf(configuration)
  })

/**
 * The configuration sets the socket's name, possibly for two interfaces of a container, so the name does not identify
 * the attachment.
 */
export const hasGivenSocket = ({ configuration }: Call): boolean => configuration.port.socketFile !== undefined

export const macOf = ({ attachment, configuration }: Call): string => configuration.port.mac ?? derivedMac(attachment)

/** The delegate's call, if the network has an IPAM plugin. */
export const delegation = ({
  configuration,
  environment
}: Pick<Call, "configuration" | "environment">): Delegation | undefined => {
  const plugin = configuration.netConf.ipam?.type
  if (plugin === undefined) return undefined
  return { plugin, configuration: configuration.text, variables: environment.variables, path: environment.path }
}

/** The switch's end gets the addresses too (VPP, `netType: interface`), so they are needed before the port. */
export const wantsAddresses = ({ configuration: { port } }: Call): boolean =>
  port.engine === "vpp" && port.network.netType === "interface"

export const requestFor = (
  call: Call,
  record: Pick<Record, "invocation" | "place" | "mac">,
  addresses: ReadonlyArray<Address>
): PortRequest => ({
  attachment: call.attachment,
  invocation: record.invocation,
  port: call.configuration.port,
  socketPath: record.place.switchPath,
  mac: record.mac,
  addresses
})

export const recordFor = (
  call: Call,
  handle: string,
  volume: Volume | undefined,
  { invocation, made, since }: Pick<Record, "invocation" | "made" | "since">
): Record => {
  const { attachment, configuration, environment } = call
  const place = socketPathsFor(call, handle, volume)
  const deviceInfo = deviceInfoPath(configuration.netConf)
  return {
    format: recordFormat,
    network: attachment.network,
    containerId: attachment.containerId,
    ifName: attachment.ifName,
    netns: attachment.netns,
    ...(attachment.pod === undefined ? {} : { pod: attachment.pod }),
    invocation,
    since,
    handle,
    place: withoutAbsent(place),
    made,
    mac: macOf(call),
    ...(deviceInfo === undefined ? {} : { deviceInfo }),
    configuration: configuration.text,
    args: environment.variables["CNI_ARGS"] ?? ""
  }
}

/** Omits absent keys, as in a file. */
const withoutAbsent = ({ group, link, volume, ...place }: SocketPaths): Record["place"] => ({
  ...place,
  ...(link === undefined ? {} : { link }),
  ...(group === undefined ? {} : { group }),
  ...(volume === undefined ? {} : { volume })
})

/** The record's paths, with absent keys as undefined. */
export const socketPathsOfRecord = ({ place }: Record): SocketPaths => ({
  ...place,
  link: place.link,
  group: place.group,
  volume: place.volume
})
