/**
 * {@link Receive} with calls of the C library: bun has none for a passed descriptor (recvmsg(2), cmsg(3)). The layouts
 * are those of Linux on 64-bit machines. Waiting for the peer is polling: a hanging daemon must not block a process of
 * many calls.
 */
import { dlopen, ptr } from "bun:ffi"
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Receive } from "../../PassedFile.ts"
import { checkedPath, SocketError } from "../../Sockets.ts"
import { addressOf, lastError, libc } from "./BunLibc.ts"

const AF_UNIX = 1
const SOCK_SEQPACKET = 5
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_CMSG_CLOEXEC = 0x40000000

const {
  symbols: { recvmsg }
} = dlopen("libc.so.6", { recvmsg: { args: ["i32", "buffer", "i32"], returns: "i64" } })

/** Interval of polling a peer that has no room, or has not sent yet. */
const again = "5 millis"

const errnoName = (): string => lastError().code ?? "UNKNOWN"

/** Returns a descriptor, or why there is none. */
const receiveOne = (socket: number): Result.Result<number, string> => {
  const data = new Uint8Array(64)
  const control = new Uint8Array(64)
  const iovec = new BigUint64Array([BigInt(ptr(data)), BigInt(data.length)])
  // struct msghdr: name and its length, the vector and its length, control and its length, flags.
  const header = new BigUint64Array([0n, 0n, BigInt(ptr(iovec)), 1n, BigInt(ptr(control)), BigInt(control.length), 0n])
  const got = Number(recvmsg(socket, header, MSG_CMSG_CLOEXEC))
  if (got < 0) return Result.fail(errnoName())
  const words = new Int32Array(control.buffer)
  // struct cmsghdr: a length of eight bytes, the level, the type; then the descriptor.
  const [, , level, type, descriptor = -1] = words
  const isThere = header[5] !== 0n && level === SOL_SOCKET && type === SCM_RIGHTS && descriptor >= 0
  return isThere ? Result.succeed(descriptor) : Result.fail("Closed")
}

export const receive: Receive = Effect.fnUntraced(function* (path) {
  yield* checkedPath(path)
  const failed = (operation: "connect" | "read", code: string) => new SocketError({ path, code, operation })
  const until = <A>(operation: "connect" | "read", once: () => Result.Result<A, string>) =>
    Effect.suspend(() => Effect.fromResult(once())).pipe(
      Effect.tapError((code) => (code === "EAGAIN" ? Effect.sleep(again) : Effect.void)),
      Effect.retry({ while: (code) => code === "EAGAIN" }),
      Effect.mapError((code) => failed(operation, code))
    )
  const dialled = Effect.gen(function* () {
    const socket = yield* Effect.acquireRelease(
      Effect.suspend(() => {
        const made = libc.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
        return made < 0 ? Effect.fail(failed("connect", errnoName())) : Effect.succeed(made)
      }),
      (made) => Effect.sync(() => libc.close(made))
    )
    const address = addressOf(path)
    yield* until("connect", () =>
      libc.connect(socket, address, address.length) < 0 ? Result.fail(errnoName()) : Result.succeed(undefined)
    )
    return yield* until("read", () => receiveOne(socket))
  }).pipe(Effect.scoped)
  const descriptor = yield* Effect.acquireRelease(Effect.interruptible(dialled), (held) =>
    Effect.sync(() => Fs.closeSync(held))
  )
  return { read: (at, bytes) => Fs.readSync(descriptor, bytes, 0, bytes.length, at) }
})
