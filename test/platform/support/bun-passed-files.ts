/** The suite of passed files on bun's calls, under bun. Its peer is made of calls of the C library as well. */
import { dlopen, ptr } from "bun:ffi"
import * as assert from "node:assert/strict"
import { Effect, Layer } from "effect"
import { receive } from "../../../src/platform/bun/libc/BunPassedFile.ts"
import { Passing, passedFiles, type Sends } from "../../suites/PassedFileSuite.ts"
import { report } from "../../suites/Report.ts"
import { turns } from "../../suites/SocketsSite.ts"

const AF_UNIX = 1
const SOCK_SEQPACKET_NONBLOCK = 5 | 0o4000

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "buffer", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  accept: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  sendmsg: { args: ["i32", "buffer", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" }
})

const peer = Effect.fnUntraced(function* (path: string, sends: Sends) {
  const descriptor = libc.socket(AF_UNIX, SOCK_SEQPACKET_NONBLOCK, 0)
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${path}\0`)])
  assert.equal(libc.bind(descriptor, address, address.length) + libc.listen(descriptor, 4), 0)
  const open = [descriptor]
  yield* Effect.addFinalizer(() => Effect.sync(() => void open.map((one) => libc.close(one))))
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        yield* turns(1)
        const accepted = libc.accept(descriptor, null, null)
        if (accepted < 0) return
        open.push(accepted)
        if (sends !== "nothing") pass(accepted, sends)
      })
    )
  )
})

const pass = (socket: number, sends: number | "words") => {
  const data = new Uint8Array(1)
  const iovec = new BigUint64Array([BigInt(ptr(data)), 1n])
  const control = new Uint8Array(24)
  new BigUint64Array(control.buffer)[0] = 20n
  if (sends !== "words") new Int32Array(control.buffer).set([1, 1, sends], 2)
  const [at, length] = sends === "words" ? [0n, 0n] : [BigInt(ptr(control)), 24n]
  const header = new BigUint64Array([0n, 0n, BigInt(ptr(iovec)), 1n, at, length, 0n])
  assert.equal(Number(libc.sendmsg(socket, header, 0)), 1)
}

await report(Layer.succeed(Passing, Passing.of({ receive, peer })), passedFiles)
