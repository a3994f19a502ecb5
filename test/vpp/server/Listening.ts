/** Unix sockets as VPP makes them: the file stays when the listener goes, and gets VPP's mode. */
import * as fs from "node:fs"
import * as net from "node:net"
import { dirname } from "node:path"

/** Somebody listens on that path. The kernel lists it under the name with which it was bound. */
export const listenedOn = (path: string): boolean =>
  fs
    .readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .some((line) => line.endsWith(` ${path}`) && line.includes(" 00010000 "))

let made = 0

/**
 * Bound beside and moved into place, so that node, which removes the name that it has bound, leaves the file as VPP
 * does. Undefined when the directory is not there.
 */
export const listen = (path: string, mode: number): net.Server | undefined => {
  if (!fs.existsSync(dirname(path))) return undefined
  const beside = `${dirname(path)}/.${process.pid}.${made++}`
  const server = net.createServer((peer) => peer.on("error", () => {}))
  server.on("error", () => {})
  server.listen(beside)
  fs.renameSync(beside, path)
  fs.chmodSync(path, mode)
  return server
}
