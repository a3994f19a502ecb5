/** {@link Taps} by the C library (tun: Documentation/networking/tuntap.rst of Linux; netdevice(7), unix(7)). */
import { dlopen } from "bun:ffi"
import * as Fs from "node:fs"
import { endianness } from "node:os"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { codeOf } from "../process/StandardStreams.ts"
import { type Tap, TapError, Taps } from "../tap/Taps.ts"
import { addressOf, lastError, libc } from "./libc/BunLibc.ts"

const { symbols } = dlopen("libc.so.6", {
  ioctl: { args: ["i32", "u64", "buffer"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "buffer", "buffer"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
  read: { args: ["i32", "buffer", "usize"], returns: "i32" },
  poll: { args: ["buffer", "u64", "i32"], returns: "i32" }
})

const AF_UNIX = 1
const AF_INET = 2
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_PEERCRED = 17
const CLONE_NEWNET = 0x40000000
const TUNSETIFF = 0x400454ca
const IFF_TAP_NO_PI = 0x1002
const SIOCSIFFLAGS = 0x8914
const IFF_UP_NOARP = 0x81
const SIOCSIFMTU = 0x8922
const SIOCGIFHWADDR = 0x8927
const SIOCSIFTXQLEN = 0x8943
const POLLIN = 1
const POLLERR = 8

/** The largest MTU of a tap: a switch that takes a bridge's MTU from its ports must not take it from this one. */
const mtu = 65_521
const queue = 10_000

const little = endianness() === "LE"
const put = (bytes: Buffer, value: number, at: number, size: 2 | 4) =>
  little ? bytes.writeUIntLE(value, at, size) : bytes.writeUIntBE(value, at, size)
const get = (bytes: Buffer, at: number) => (little ? bytes.readInt32LE(at) : bytes.readInt32BE(at))

const failure = (): string => {
  const { code, errno } = lastError()
  return code ?? `errno ${errno}`
}

class Failed extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

const ask = (descriptor: number, request: number, ifreq: Buffer): Buffer => {
  if (symbols.ioctl(descriptor, request, ifreq) < 0) throw new Failed(failure())
  return ifreq
}

/** `struct ifreq`. */
const about = (name: string, value = 0, size: 2 | 4 = 4): Buffer => {
  const bytes = Buffer.alloc(40)
  bytes.write(name, 0, 15)
  put(bytes, value, 16, size)
  return bytes
}

/** Runs in another network namespace, which is this thread's for as long. */
const within = <A>(pid: number | undefined, self: () => A): A => {
  if (pid === undefined) return self()
  const own = Fs.openSync("/proc/thread-self/ns/net", "r")
  const other = Effect.runSyncExit(Effect.try({ try: () => Fs.openSync(`/proc/${pid}/ns/net`, "r"), catch: codeOf }))
  if (other._tag === "Failure") {
    Fs.closeSync(own)
    return self()
  }
  const entered = symbols.setns(other.value, CLONE_NEWNET) === 0 ? undefined : failure()
  Fs.closeSync(other.value)
  const outcome = entered === undefined ? Effect.runSyncExit(Effect.sync(self)) : undefined
  symbols.setns(own, CLONE_NEWNET)
  Fs.closeSync(own)
  if (outcome === undefined) throw new Failed(entered ?? "")
  return Effect.runSync(outcome)
}

interface Open extends Tap {
  readonly descriptor: number
}

const largest = 1 << 16

const device = (name: string, pid: number | undefined): Open => {
  const descriptor = Fs.openSync("/dev/net/tun", Fs.constants.O_RDWR | Fs.constants.O_NONBLOCK)
  ask(descriptor, TUNSETIFF, about(name, IFF_TAP_NO_PI, 2))
  const socket = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  ask(socket, SIOCSIFMTU, about(name, mtu))
  ask(socket, SIOCSIFTXQLEN, about(name, queue))
  ask(socket, SIOCSIFFLAGS, about(name, IFF_UP_NOARP, 2))
  const own = ask(socket, SIOCGIFHWADDR, about(name)).subarray(18, 24)
  libc.close(socket)
  const frame = Buffer.alloc(largest)
  /** The kernel's own, such as IPv6's solicitations, have the device's address. */
  const isOwn = () => own.equals(frame.subarray(6, 12))
  return {
    name,
    descriptor,
    read: () => {
      while (true) {
        const length = symbols.read(descriptor, frame, largest)
        if (length <= 0) return undefined
        if (!isOwn()) return frame.subarray(0, length)
      }
    },
    dropped: () => within(pid, () => droppedOf(name))
  }
}

/** Column 12 of /proc/net/dev: `drop` of what is transmitted. */
const droppedOf = (name: string): number => {
  const line = Fs.readFileSync("/proc/thread-self/net/dev", "utf8")
    .split("\n")
    .find((one) => one.trimStart().startsWith(`${name}:`))
  return Number(
    line
      ?.slice(line.indexOf(":") + 1)
      .trim()
      .split(/\s+/)[11] ?? 0
  )
}

const open = Effect.fnUntraced(function* (names: ReadonlyArray<string>, pid: number | undefined) {
  return yield* Effect.forEach(names, (name) =>
    Effect.acquireRelease(
      Effect.try({
        try: () => within(pid, () => device(name, pid)),
        catch: (cause) => new TapError({ device: name, code: codeOf(cause) })
      }),
      ({ descriptor }) => Effect.sync(() => Fs.closeSync(descriptor))
    )
  )
})

const listener = (path: string): number | undefined => {
  const address = addressOf(path)
  const socket = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)
  const credentials = Buffer.alloc(12)
  const length = Buffer.alloc(4)
  put(length, credentials.length, 0, 4)
  const told =
    libc.connect(socket, address, address.length) === 0 &&
    symbols.getsockopt(socket, SOL_SOCKET, SO_PEERCRED, credentials, length) === 0
  libc.close(socket)
  const pid = get(credentials, 0)
  return told && pid > 0 ? pid : undefined
}

const wait = (taps: ReadonlyArray<Tap>, output: number, millis: number): boolean => {
  const descriptors = taps.flatMap((tap) => ("descriptor" in tap ? Number(tap.descriptor) : []))
  const wanted = Buffer.alloc(8 * (descriptors.length + 1))
  for (const [index, descriptor] of descriptors.entries()) {
    put(wanted, descriptor, 8 * index, 4)
    put(wanted, POLLIN, 8 * index + 4, 2)
  }
  put(wanted, output, 8 * descriptors.length, 4)
  const ready = symbols.poll(wanted, descriptors.length + 1, millis)
  const told = little ? wanted.readUInt16LE(wanted.length - 2) : wanted.readUInt16BE(wanted.length - 2)
  return ready <= 0 || (told & POLLERR) === 0
}

export const layer = Layer.succeed(Taps, Taps.of({ open, listener: (path) => Effect.sync(() => listener(path)), wait }))
