/**
 * The location of a process, and whose the agent's socket is. No Effect, because every call that goes to the agent
 * loads it; not part of `Protocol.ts`, which every call loads.
 */
import * as Fs from "node:fs"

/**
 * Root directory, network and PID namespace of this process. A call from elsewhere, such as a container into which the
 * socket is mounted, means other files by the same paths, and the agent declines it. Throws without /proc.
 */
export const namespaces = (): string => {
  const { dev, ino } = Fs.statSync("/", { bigint: true })
  return `${dev}:${ino} ${Fs.readlinkSync("/proc/self/ns/net")} ${Fs.readlinkSync("/proc/self/ns/pid")}`
}

/** Another one may have the same mounts: see `Acceptance.ts`. */
export const mountNamespace = (): string => Fs.readlinkSync("/proc/self/ns/mnt")

/** Whether the agent's socket belongs to this user, and nobody else can replace it. Throws when there is nothing. */
export const isOurs = (path: string): boolean => {
  const { mode, uid } = Fs.lstatSync(path)
  return (mode & Fs.constants.S_IFMT) === Fs.constants.S_IFSOCK && (mode & 0o022) === 0 && uid === process.geteuid?.()
}
