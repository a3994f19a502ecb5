/**
 * The mount and the network namespace of another process for this one, from its beginning on (setns(2)). A thread that
 * shares its root directory with others cannot change mounts: this one gives up sharing, changes them, and executes the
 * program there anew, which ends the others (execve(2)). The process stays the same: its parent, signals and limits are
 * too. Loaded by `--host` alone.
 */
import { dlopen, ptr } from "bun:ffi"
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import { codeOf } from "../Sockets.ts"
import { lastError } from "./libc/BunLibc.ts"

export interface Executed {
  readonly path: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string | undefined>>
}

const CLONE_FS = 0x200

/** By their names below /proc; mounts last, because the others are found by path. */
const kinds = [
  ["net", 0x40000000],
  ["mnt", 0x20000]
] as const

const { symbols: libc } = dlopen("libc.so.6", {
  unshare: { args: ["i32"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
  execve: { args: ["buffer", "buffer", "buffer"], returns: "i32" }
})

const asked = (what: string, ask: () => number) =>
  Effect.suspend(() => {
    if (ask() === 0) return Effect.void
    const { code, errno } = lastError()
    return Effect.fail(`${what}: ${code ?? `error ${errno}`}`)
  })

const found = <A>(path: string, look: (path: string) => A) =>
  Effect.try({ try: () => look(path), catch: (cause) => `${path}: ${codeOf(cause)}` })

const opened = (path: string): Effect.Effect<number, string, Scope> =>
  Effect.acquireRelease(
    found(path, (path) => Fs.openSync(path, "r")),
    (descriptor) => Effect.sync(() => Fs.closeSync(descriptor))
  )

const terminated = (text: string) => Buffer.from(`${text}\0`)

/** `char *[]`, which is valid for as long as its texts are. */
const pointers = (texts: ReadonlyArray<Uint8Array>) =>
  new Uint8Array(BigUint64Array.from([...texts.map((text) => BigInt(ptr(text))), 0n]).buffer)

const execute = Effect.fnUntraced(function* ({ args, env, path }: Executed) {
  const words = [path, ...args].map(terminated)
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [terminated(`${name}=${value}`)]
  )
  const [argv, envp] = [pointers(words), pointers(variables)]
  yield* asked(`run ${path} there`, () => libc.execve(terminated(path), argv, envp))
})

/** Returns when this process is there already; else it is `executed` there, and nothing returns. Fails with what came back. */
export const enter = Effect.fnUntraced(function* (pid: number, executed: Executed) {
  if (process.pid === pid) return yield* Effect.fail(`this is process ${pid} itself`)
  const others = yield* Effect.filter(kinds, ([name]) =>
    Effect.zipWith(
      found(`/proc/self/ns/${name}`, Fs.readlinkSync),
      found(`/proc/${pid}/ns/${name}`, Fs.readlinkSync),
      (ours, theirs) => ours !== theirs
    )
  )
  if (others.length === 0) return
  const namespaces = yield* Effect.forEach(others, ([name, kind]) =>
    Effect.map(opened(`/proc/${pid}/ns/${name}`), (descriptor) => ({ name, kind, descriptor }))
  )
  yield* asked("unshare", () => libc.unshare(CLONE_FS))
  for (const { name, kind, descriptor } of namespaces) {
    yield* asked(`setns to /proc/${pid}/ns/${name}`, () => libc.setns(descriptor, kind))
  }
  yield* execute(executed)
}, Effect.scoped)
