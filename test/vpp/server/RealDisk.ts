/** Unix sockets as VPP creates them: the file stays when the listener is closed, and gets VPP's mode. */
import * as fs from "node:fs"
import * as net from "node:net"
import { dirname } from "node:path"
import type { Disk } from "../model/VppModel.ts"

let made = 0

/** Bound beside and moved into place: node removes the name that it bound, and the file stays as with VPP. */
const listen = (path: string, mode: number): net.Server | undefined => {
  if (!fs.existsSync(dirname(path))) return undefined
  const beside = `${dirname(path)}/.${process.pid}.${made++}`
  const server = net.createServer((peer) => peer.on("error", () => {}))
  server.on("error", () => {})
  server.listen(beside)
  fs.renameSync(beside, path)
  fs.chmodSync(path, mode)
  return server
}

const ours = new Map<string, net.Server>()

/** `root`: prefix of every path. */
export const below = (root: string): Disk => ({
  kind: (path) => {
    const there = fs.lstatSync(root + path, { throwIfNoEntry: false })
    return there === undefined ? undefined : there.isSocket() ? "socket" : "other"
  },
  makeDirectory: (path) => void fs.mkdirSync(root + path, { recursive: true, mode: 0o755 }),
  remove: (path) => fs.rmSync(root + path, { force: true }),
  listen: (path, mode) => {
    const server = listen(root + path, mode)
    if (server !== undefined) ours.set(root + path, server)
    return server
  },
  // The kernel lists it under the name with which it was bound, ours under another.
  isListening: (path) =>
    ours.get(root + path)?.listening === true ||
    fs
      .readFileSync("/proc/net/unix", "utf8")
      .split("\n")
      .some((line) => line.endsWith(` ${root}${path}`) && line.includes(" 00010000 "))
})
