/**
 * The paths of an attachment: the shared directory, the socket in it, the container config, and the socket path for the
 * switch. They are computed once and written to the record. Rules (2) and (3) and the file names are the original
 * plugin's, on which pods rely; rule (1) is in `container-config/PodContainerConfig.ts`. Pure.
 */
import { dirname, join } from "node:path"
import type { HostPort } from "../cni/network/HostPort.ts"
import { type Attachment, keyOf, shortId } from "../identity/Attachment.ts"

/** A pod's volume. It may be shared with others, so only our files in it are removed, never the directory. */
export interface Volume {
  readonly directory: string
  /** Who creates it when it is missing: kubelet before ADD, or the runtime after it. */
  readonly maker: "kubelet" | "runtime"
  /**
   * The device whose directory it is. Names in it are those of interfaces, so that they are the same in every sandbox of the
   * pod: an application and a virtual machine open them again.
   */
  readonly device?: string
}

export interface SocketPaths {
  readonly directory: string
  readonly socketName: string
  /** The socket's real path. */
  readonly socketPath: string
  /** The socket's path for the switch: through `link` if the real path is too long for a socket address. */
  readonly switchPath: string
  /** A symbolic link to `directory`, if one is needed. */
  readonly link?: string | undefined
  readonly configPath: string
  /** Group name or number that may use socket and directory. */
  readonly group?: string | undefined
  /** Set if `directory` is a pod's volume. */
  readonly volume?: Volume["maker"] | undefined
}

interface SocketPathsOptions {
  readonly attachment: Attachment
  readonly port: HostPort
  /** `<id12>-<ifname>`, or the long handle when that is taken. */
  readonly handle: string
  /** Takes precedence over the other rules. */
  readonly volume?: Volume | undefined
  readonly sharedDir: string | undefined
  readonly stateDir: string
}

/** sun_path has 108 bytes, one of them NUL; VPP from 23.06 uses one more. */
const socketPathLimit = (port: HostPort): number => (port.engine === "vpp" ? 106 : 107)

/** VPP from 23.06 accepts no other characters in a socket's path. kubelet's directory of an emptyDir has a `~`. */
const speakable = (port: HostPort, path: string): boolean => port.engine !== "vpp" || /^[A-Za-z0-9_./-]+$/.test(path)

export const socketPathsOf = ({
  attachment,
  handle,
  port,
  sharedDir,
  stateDir,
  volume
}: SocketPathsOptions): SocketPaths => {
  const directory = volume?.directory ?? join(baseFor(port, sharedDir), shortId(attachment))
  const own = volume?.device === undefined ? handle : attachment.ifName
  const socketName = port.socketFile ?? (port.iftype === "memif" ? `memif-${own}.sock` : own)
  const socketPath = join(directory, socketName)
  const fits = Buffer.byteLength(socketPath) <= socketPathLimit(port) && speakable(port, socketPath)
  const link = fits ? undefined : join(stateDir, "links", keyOf(attachment))
  return {
    directory,
    socketName,
    socketPath,
    switchPath: link === undefined ? socketPath : join(link, socketName),
    configPath: join(directory, `configData-${own}.json`),
    link,
    group: port.group,
    volume: volume?.maker
  }
}

/** Returns the base of the containers' directories, by rules (2) and (3). */
export const baseFor = (port: HostPort, sharedDir: string | undefined): string => sharedDir ?? defaultBase(port)

/** The name of a short link is a key. */
export const isShortLink = (path: string): boolean => /\/links\/[a-z2-7]{20}$/.test(path)

/** Rule (3): the original plugin's default. */
const defaultBase = (port: HostPort): string =>
  port.engine === "vpp" ? "/var/run/vpp" : "/usr/local/var/run/openvswitch"

/** A hostPath may be an administrator's link, which kubelet and runtime follow. No other directory may be one. */
export const mayBeLink = ({ directory, volume }: Pick<SocketPaths, "directory" | "volume">): boolean =>
  volume !== undefined && !/\/volumes\/kubernetes\.io~empty-dir\/[^/]+$/.test(directory)

/** Returns the path and its parents: `/a/b/c`, `/a/b`, `/a`, `/`. */
export const ancestors = (path: string): ReadonlyArray<string> => {
  const all = [path]
  for (let at = path; at !== dirname(at); at = dirname(at)) all.push(dirname(at))
  return all
}
