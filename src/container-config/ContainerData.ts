/**
 * The container config of one interface: one element of the original plugin's `userspace/configuration-data`, written
 * to `configData-*.json` or to the pod's annotation. `config` has the shape of the configuration's `container`, with
 * defaults derived from the host's. Pure. app-netutil and applications in any language read it.
 */
import type { HostPort } from "../cni/network/HostPort.ts"
import type { Container, NetConf } from "../cni/network/NetConf.ts"
import { type CniResult, family } from "../cni/types/CniResult.ts"
import type { Attachment } from "../identity/Attachment.ts"
import type { ConfigurationData } from "../identity/ConfigurationData.ts"
import type { SocketPaths } from "../shared-dir/SocketPaths.ts"

export const containerData = (
  { containerId, ifName, network }: Attachment,
  netConf: NetConf,
  port: HostPort,
  place: Pick<SocketPaths, "socketName">,
  mac: string,
  result: CniResult
): ConfigurationData => ({
  containerId,
  ifName,
  name: network,
  config: mirrored(netConf.container ?? {}, port, place.socketName, mac),
  ipResult: {
    interfaces: result.interfaces,
    // `version` was removed from the specification with 1.0.0; readers of this file still use it.
    ips: result.ips.map((ip) => ({ version: family(ip.address), ...ip })),
    routes: result.routes,
    dns: result.dns
  }
})

const mirrored = (container: Container, port: HostPort, socketfile: string, mac: string) => {
  const common = {
    engine: container.engine ?? port.engine,
    iftype: container.iftype ?? port.iftype,
    netType: container.netType ?? "interface",
    ...((container.mtu ?? port.mtu) ? { mtu: container.mtu ?? port.mtu } : {}),
    mac,
    ...(container.bridge === undefined ? {} : { bridge: container.bridge })
  }
  if (port.iftype === "memif") {
    const { role = port.role === "master" ? "slave" : "master", mode = port.mode } = container.memif ?? {}
    const { bufferSize, ringSize, secret } = port
    // Queues are swapped: one end receives what the other sends.
    const mirrored = { secret, rxQueues: port.txQueues, txQueues: port.rxQueues, ringSize, bufferSize }
    const socket = port.abstract ? "abstract" : undefined
    return { ...common, memif: given({ ...mirrored, ...container.memif, role, mode, socket, socketfile }) }
  }
  const { mode = port.mode === "client" ? "server" : "client" } = container.vhost ?? {}
  const mirrored = port.engine === "vpp" ? { enablePacked: port.enablePacked || undefined } : { queues: port.queues }
  return { ...common, vhost: { ...given(mirrored), ...container.vhost, mode, socketfile } }
}

const given = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
