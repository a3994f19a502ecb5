/** Run by bun: listens on a path as a memif does, with a SOCK_SEQPACKET socket, which Node does not support. */
import { dlopen } from "bun:ffi"

const AF_UNIX = 1
const SOCK_SEQPACKET = 5

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "buffer", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" }
})

const [, , path = ""] = process.argv
const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${path}\0`)])
const descriptor = libc.socket(AF_UNIX, SOCK_SEQPACKET, 0)
const failed = libc.bind(descriptor, address, address.length) + libc.listen(descriptor, 1)
console.log(failed === 0 ? "up" : "failed")
setInterval(() => {}, 60_000)
