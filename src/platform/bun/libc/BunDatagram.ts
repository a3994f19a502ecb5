/** Sends one message to a unix datagram socket (unix(7)). Neither bun nor Node has a call for this. */
import { dlopen } from "bun:ffi"

const AF_UNIX = 1
const SOCK_DGRAM = 2
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "buffer", "u64", "i32", "buffer", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" }
})

/** `path`: a file, or `@` and an abstract name. */
export const send = (path: string, text: string): void => {
  const name = path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`
  const address = Buffer.concat([new Uint8Array(new Uint16Array([AF_UNIX]).buffer), Buffer.from(name)])
  const message = Buffer.from(text)
  const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM, 0)
  if (descriptor < 0) return
  libc.sendto(descriptor, message, message.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length)
  libc.close(descriptor)
}
