/** Unix sockets and error codes of the C library, for what bun has no call for (unix(7)). Loaded on demand only. */
import { dlopen, read } from "bun:ffi"
import { constants } from "node:os"

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000

export const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  connect: { args: ["i32", "buffer", "u32"], returns: "i32" },
  sendto: { args: ["i32", "buffer", "u64", "i32", "buffer", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" }
})

/** Of the last call that failed. Node's table does not name every number. */
export const lastError = (): { readonly errno: number; readonly code: string | undefined } => {
  const at = libc.__errno_location()
  const errno = at === null ? 0 : read.i32(at, 0)
  return { errno, code: Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] }
}

/** `struct sockaddr_un`. A path ends with a NUL. An abstract name begins with one, and ends where the address ends. */
export const addressOf = (path: string): Uint8Array =>
  Buffer.concat([
    new Uint8Array(new Uint16Array([AF_UNIX]).buffer),
    Buffer.from(path.startsWith("\0") ? path : `${path}\0`)
  ])

/**
 * Connects without waiting and returns the name of the error code (connect(2); EAGAIN in unix(7)). If it succeeds, the
 * connection is closed and EAGAIN is returned, so that the caller tries again. Undefined: the code could not be
 * determined.
 */
export const connectOnce = (path: string): string | undefined => {
  const address = addressOf(path)
  const descriptor = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)
  if (descriptor < 0) return undefined
  const connected = libc.connect(descriptor, address, address.length)
  const { code } = lastError()
  libc.close(descriptor)
  return connected === 0 ? "EAGAIN" : code
}

/** Sends one message to a datagram socket. `path`: a file, or `@` and an abstract name. */
export const send = (path: string, text: string): void => {
  const address = addressOf(path.replace(/^@/, "\0"))
  const message = Buffer.from(text)
  const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM, 0)
  if (descriptor < 0) return
  libc.sendto(descriptor, message, message.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length)
  libc.close(descriptor)
}
