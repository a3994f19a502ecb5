/**
 * One validated call of the plugin: the attachment, the request, the invocation context, and what follows from them:
 * paths, and the request to the switch. Pure.
 */
import type { Configuration } from "../cni/network/Configuration.ts"
import { defaultStateDir } from "../cni/network/Validators.ts"
import type { CniResult } from "../cni/types/CniResult.ts"
import type { Environment } from "../cni/types/Environment.ts"
import { deviceInfoPath } from "../container-config/DeviceInfo.ts"
import { type Attachment, derivedMac } from "../identity/Attachment.ts"
import type { Delegation } from "../ipam/Ipam.ts"
import { type SocketPaths, socketPathsOf, type Volume } from "../shared-dir/SocketPaths.ts"
import type { PortRequest, Unplug } from "../vswitch/Vswitch.ts"
import type { Record } from "./records/Record.ts"
import { recordFormat } from "./records/RecordFormat.ts"

export interface Call {
  readonly attachment: Attachment
  readonly configuration: Configuration
  readonly environment: Environment
  /** The result of the preceding plugin in the chain; on CHECK and DEL, the result of ADD. */
  readonly previous: CniResult | undefined
  /** The name of an ADD in its record, by which a caller that delegates it finds it; else a random one. */
  readonly invocation?: string | undefined
}

/** A call for a whole network. */
export interface NetworkCall {
  readonly network: string
  readonly configuration: Configuration
  readonly environment: Environment
}

export const socketPathsFor = (
  { attachment, configuration: { netConf, port } }: Pick<Call, "attachment" | "configuration">,
  handle: string,
  volume?: Volume
): SocketPaths =>
  socketPathsOf({
    attachment,
    handle,
    volume,
    port,
    sharedDir: netConf.sharedDir,
    stateDir: netConf.stateDir ?? defaultStateDir
  })

/** The socket's name is the configuration's, possibly for two interfaces, and does not identify the attachment. */
export const hasGivenSocket = ({ configuration }: Call): boolean => configuration.port.socketFile !== undefined

export const macOf = ({ attachment, configuration }: Call, volume?: Volume): string =>
  configuration.port.mac ?? derivedMac(attachment, volume?.device !== undefined)

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

/** The record has the addresses of the switch's end once its ADD has completed. */
export const requestFor = (
  call: Call,
  { addresses = [], invocation, mac, place }: Pick<Record, "addresses" | "invocation" | "mac" | "place">
): PortRequest => ({
  attachment: call.attachment,
  invocation,
  port: call.configuration.port,
  socketPath: place.switchPath,
  mac,
  addresses: wantsAddresses(call) ? addresses : []
})

/** Removes the port of the record's ADD, or of a restore of it. */
export const unplugFor = (
  { attachment, configuration: { port } }: Call,
  { invocation, place }: Pick<Record, "invocation" | "place">
): Unplug => ({ attachment, invocation, port, socketPath: place.switchPath })

export const recordFor = (
  call: Call,
  handle: string,
  volume: Volume | undefined,
  { invocation, made, since }: Pick<Record, "invocation" | "made" | "since">
): Record => {
  const { attachment, configuration, environment } = call
  const { containerId, ifName, netns, network, pod } = attachment
  return {
    format: recordFormat,
    network,
    containerId,
    ifName,
    netns,
    pod,
    invocation,
    since,
    handle,
    place: socketPathsFor(call, handle, volume),
    made,
    mac: macOf(call, volume),
    device: volume?.device,
    deviceInfo: deviceInfoPath(configuration.netConf),
    configuration: configuration.text,
    args: environment.variables["CNI_ARGS"] ?? ""
  }
}
