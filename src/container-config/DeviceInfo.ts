/**
 * The `device-info` of a port that Multus shows: the vhost-user or memif form, from the container's view. Pure;
 * `DeviceInfoFile.ts` writes the file. Device Information Specification 1.1.0, sections 3.1.5, 3.1.6 and 5.1.
 */
import { normalize } from "node:path"
import type { HostPort } from "../cni/network/HostPort.ts"
import type { NetConf } from "../cni/network/NetConf.ts"
import { isAbsolutePath } from "../cni/network/Validators.ts"

/**
 * The capability CNIDeviceInfoFile: the file that the caller will read. Undefined: not requested, or not a valid path.
 */
export const deviceInfoPath = ({ runtimeConfig }: NetConf): string | undefined => {
  const path = runtimeConfig?.["CNIDeviceInfoFile"]
  return isAbsolutePath(path) && !path.split("/").includes("..") ? normalize(path) : undefined
}

/** `socket`: its path in the container. */
export const deviceInfo = (
  port: HostPort,
  container: NetConf["container"],
  socket: string
): Readonly<Record<string, unknown>> => {
  const version = "1.1.0"
  if (port.iftype === "memif") {
    const role = container?.memif?.role ?? (port.role === "master" ? "slave" : "master")
    const mode = container?.memif?.mode ?? port.mode
    return { type: "memif", version, memif: { role, path: socket, mode } }
  }
  const mode = container?.vhost?.mode ?? (port.mode === "client" ? "server" : "client")
  return { type: "vhost-user", version, "vhost-user": { mode, path: socket } }
}

/** An abstract socket has a name instead of a path, written with `@` by convention. */
export const socketInContainer = (port: HostPort, mappedDir: string, socketName: string): string =>
  port.iftype === "memif" && port.abstract ? `@${socketName}` : `${mappedDir}${socketName}`
