/**
 * The location of a process: its root directory, its network, PID and mount namespaces, and its mounts. A call from
 * elsewhere, such as a container into which the socket is mounted, means other files by the same paths, and the agent
 * declines it. Throws without /proc. No Effect, because every call that goes to the agent loads this module.
 */
import * as Fs from "node:fs"

/** Root directory, network and PID namespace. */
export const namespaces = (): string => {
  const { dev, ino } = Fs.statSync("/")
  return `${dev}:${ino} ${Fs.readlinkSync("/proc/self/ns/net")} ${Fs.readlinkSync("/proc/self/ns/pid")}`
}

/** Another mount namespace may have the same mounts: that of the thick Multus, which changes its root to the node's. */
export const mountNamespace = (): string => Fs.readlinkSync("/proc/self/ns/mnt")

/** The mounts that a process sees from its root directory (proc_pid_mountinfo(5)). */
export const mounts = (pid: string): string => {
  const lines = Fs.readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n")
  const seen = lines.map((line) => {
    const [, , device, root, point, options] = line.split(" ")
    return `${device} ${root} ${point} ${options?.split(",")[0]}`
  })
  return [...new Set(seen)].sort().join("\n")
}
