/**
 * The sandbox of this container. containerd and CRI-O mount `/etc/hostname` and `/etc/resolv.conf` from a directory of
 * the sandbox, and its full id is in the fourth field of mountinfo (proc_pid_mountinfo(5)). The id is the
 * CNI_CONTAINERID of the sandbox's calls. Other runtimes do not have it there. Pure.
 */

/** The source of {@link Sandbox.id}. */
export type SandboxSource =
  /** The flag `--container-id`. */
  | "asked"
  /** mountinfo names it. */
  | "mounts"
  /** mountinfo does not; it is that of the annotation's newest element. */
  | "annotation"
  /** No source names it, and at most one container is described. */
  | "nothing"

export interface Sandbox {
  /** The id, or its given beginning; undefined when no source names it. */
  readonly id: string | undefined
  readonly source: SandboxSource
}

/** Files that both runtimes bind from the sandbox's directory into every container. */
const mountPoints = ["/etc/hostname", "/etc/resolv.conf"]

/** `<root>` may be any directory; on a separate file system the path begins later. k3s and RKE2 use containerd. */
const containerd = /(?:^|\/)io\.containerd\.grpc\.v1\.cri\/sandboxes\/([0-9a-f]{64})\/(?:hostname|resolv\.conf)$/

/** `overlay-containers`, `btrfs-containers`, ...: named after the storage driver. */
const crio = /\/[a-z]+-containers\/([0-9a-f]{64})\/userdata\/(?:hostname|resolv\.conf)$/

/**
 * Podman has the same directories for the container itself, whose id is in this line too; in CRI-O's containers the
 * line is the sandbox's. Only Podman creates `hosts` there: with CRI-O that file is kubelet's, or the node's.
 */
const containerEnv = /\/[a-z]+-containers\/([0-9a-f]{64})\/userdata\/\.containerenv$/
const podman = /\/[a-z]+-containers\/[0-9a-f]{64}\/userdata\/hosts$/

/** Returns the id in the mounts; undefined when they have none, or disagree. */
export const namedByMounts = (mountinfo: string): string | undefined => {
  const mounts = mountinfo.split("\n").map((line) => {
    const [, , , root = "", mountPoint = ""] = line.split(" ")
    return { root, mountPoint }
  })
  const isPodman = mounts.some(({ mountPoint, root }) => mountPoint === "/etc/hosts" && podman.test(root))
  const container = isPodman ? mounts.flatMap(({ root }) => containerEnv.exec(root)?.slice(1) ?? []) : []
  const named = new Set(
    mounts
      .filter(({ mountPoint }) => mountPoints.includes(mountPoint))
      .flatMap(({ root }) => (containerd.exec(root) ?? crio.exec(root))?.slice(1) ?? [])
      .filter((id) => !container.includes(id))
  )
  const [id, ...others] = named
  return others.length === 0 ? id : undefined
}

/** For other runtimes: returns the only one of these ids from whose directory something is mounted. */
export const mountedFrom = (ids: ReadonlySet<string>, mountinfo: string): string | undefined => {
  const [id, ...others] = [...ids].filter((id) => id.length >= 12 && mountinfo.includes(`/${id}/`))
  return others.length === 0 ? id : undefined
}

/** A message for people; undefined when nothing was assumed. */
export const assumption = ({ id, source }: Sandbox): string | undefined => {
  const none = "/proc/self/mountinfo does not name this container's sandbox"
  switch (source) {
    case "asked":
    case "mounts":
      return undefined
    case "annotation":
      return `${none}: assuming the newest one in the annotations, ${id?.slice(0, 12)}`
    case "nothing":
      return `${none}: assuming that the configuration here belongs to it`
  }
}
