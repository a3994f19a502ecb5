/** Whether the socket exists, and what to do: on real sockets and directories, as users with and without rights. */
import { chmodSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { look } from "../../src/container/Presence.ts"
import type { Interface } from "../../src/container/read/Interface.ts"
import { FileError, Files } from "../../src/platform/Files.ts"
import { CurrentUser, type Identity } from "../../src/platform/process/CurrentUser.ts"
import { listening, pod } from "./support/Pod.ts"

const root: Identity = { uid: 0, gids: [0] }
/** The user of these tests. */
const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
const nobody: Identity = { uid: uid + 1, gids: [gid + 1] }
/** Another user, in the group of the files of these tests. */
const member: Identity = { uid: uid + 1, gids: [gid] }

const vhost = (socket: string, mode: "client" | "server"): Interface => ({
  name: "net1",
  network: "net",
  containerId: "c",
  mac: undefined,
  mtu: undefined,
  addresses: [],
  routes: [],
  kind: "vhost-user",
  mode,
  socket,
  queues: undefined,
  packed: false
})

const memif = (socket: string, role: "master" | "slave"): Interface => {
  const { kind: _, ...common } = vhost(socket, "client")
  return {
    ...common,
    kind: "memif",
    role,
    mode: "ethernet",
    abstract: true,
    socket,
    rxQueues: undefined,
    txQueues: undefined,
    ringSize: undefined,
    bufferSize: undefined,
    secret: undefined
  }
}

const seen = (one: Interface, who = root) =>
  look(one).pipe(Effect.provideService(CurrentUser, who), Effect.provide(Files.layer))

const flags = ({
  ready,
  stale,
  there
}: {
  readonly there: boolean
  readonly ready: boolean
  readonly stale: boolean
}) => `${there ? "there" : "absent"}${ready ? " ready" : ""}${stale ? " stale" : ""}`

describe("a socket that the switch creates", () => {
  it.live("is waited for until it is there", () =>
    Effect.gen(function* () {
      const { directory } = yield* pod
      const one = vhost(`${directory}/s`, "client")
      const before = yield* seen(one)
      assert.strictEqual(flags(before), "absent")
      assert.include(before.words, "the switch has not created it")
      yield* listening(one.socket)
      const after = yield* seen(one)
      assert.strictEqual(flags(after), "there ready")
      assert.include(after.words, "connect as vhost-user client")
    })
  )

  it.live("reports who may not connect", () =>
    Effect.gen(function* () {
      const { directory } = yield* pod
      const one = vhost(`${directory}/s`, "client")
      yield* listening(one.socket)
      chmodSync(one.socket, 0o660)
      assert.include((yield* seen(one, nobody)).words, `uid ${nobody.uid} has no permission to connect`)
      assert.notInclude((yield* seen(one, member)).words, "permission")
      chmodSync(one.socket, 0o666)
      assert.notInclude((yield* seen(one, nobody)).words, "permission")
    })
  )

  for (const [what, make] of [
    ["file", (path: string) => writeFileSync(path, "")],
    ["directory", (path: string) => mkdirSync(path)]
  ] as const) {
    it.live(`is not a ${what} of that name`, () =>
      Effect.gen(function* () {
        const { directory } = yield* pod
        make(`${directory}/s`)
        const { ready, words } = yield* seen(vhost(`${directory}/s`, "client"))
        assert.isFalse(ready)
        assert.include(words, `a ${what} is in the way`)
      })
    )
  }
})

describe("a socket that the application creates", () => {
  it.live("is not waited for, and is distinguished from a stale one", () =>
    Effect.gen(function* () {
      const { directory } = yield* pod
      const one = vhost(`${directory}/s`, "server")
      assert.strictEqual(flags(yield* seen(one)), "absent ready")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* listening(one.socket)
          assert.strictEqual(flags(yield* seen(one)), "there ready")
        })
      )
      // What a killed application leaves: the name of a socket without a listener.
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* listening(`${directory}/other`)
          linkSync(`${directory}/other`, one.socket)
          const left = yield* seen(one)
          assert.strictEqual(flags(left), "there ready stale")
          assert.include(left.words, "Address already in use")
        })
      )
    })
  )

  it.live("needs a directory in which this user may create it", () =>
    Effect.gen(function* () {
      const { directory } = yield* pod
      const one = vhost(`${directory}/s`, "server")
      chmodSync(directory, 0o755)
      assert.include((yield* seen(one, nobody)).words, `uid ${nobody.uid} has no write permission`)
      chmodSync(directory, 0o2770)
      assert.notInclude((yield* seen(one, member)).words, "permission")
      rmSync(directory, { recursive: true })
      const gone = yield* seen(one)
      assert.strictEqual(flags(gone), "absent")
      assert.include(gone.words, "mount the pod's volume shared-dir")
    })
  )
})

describe("an abstract socket", () => {
  it.live("is found among those of the network namespace", () =>
    Effect.gen(function* () {
      const name = `userspace-cni-test-${process.pid}`
      assert.strictEqual(flags(yield* seen(memif(name, "slave"))), "absent")
      assert.strictEqual(flags(yield* seen(memif(name, "master"))), "absent ready")
      yield* listening(`\0${name}`)
      assert.strictEqual(flags(yield* seen(memif(name, "slave"))), "there ready")
      assert.strictEqual(flags(yield* seen(memif(name.slice(0, -1), "slave"))), "absent")
    })
  )
})

it.live("a path that no socket can have is never ready", () =>
  Effect.gen(function* () {
    const { ready, words } = yield* seen(vhost(`/${"a".repeat(107)}`, "server"))
    assert.isFalse(ready)
    assert.include(words, "108 bytes")
  })
)

it.live("without /proc the existence of a socket is still known", () =>
  Effect.gen(function* () {
    const { directory } = yield* pod
    const one = vhost(`${directory}/s`, "client")
    yield* listening(one.socket)
    const files = yield* Effect.provide(Files, Files.layer)
    const without = Files.of({
      ...files,
      read: (path) => Effect.fail(new FileError({ operation: "read", path, code: "ENOENT" }))
    })
    assert.strictEqual(flags(yield* Effect.provideService(look(one), Files, without)), "there ready")
  })
)

describe("a table of sockets", () => {
  const withTable = (answer: Effect.Effect<string, FileError>) =>
    Effect.gen(function* () {
      const { directory } = yield* pod
      yield* listening(`${directory}/a`)
      const real = yield* Files
      const files = Files.of({
        ...real,
        read: (path, limit) => (path === "/proc/net/unix" ? answer : real.read(path, limit))
      })
      return flags(yield* look(vhost(`${directory}/a`, "server")).pipe(Effect.provideService(Files, files)))
    }).pipe(Effect.provide(Files.layer))

  it.live("that cannot be read marks nothing as stale", () =>
    Effect.gen(function* () {
      const unreadable = new FileError({ operation: "read", path: "/proc/net/unix", code: "EACCES" })
      assert.strictEqual(yield* withTable(Effect.fail(unreadable)), "there ready")
      assert.strictEqual(yield* withTable(Effect.succeed("Num RefCount ...\n")), "there ready stale")
    })
  )

  it.live("of a busy machine is read whole", () =>
    Effect.gen(function* () {
      const line = "0000000000000000: 00000002 00000000 00000000 0001 03 12345\n".repeat(40_000)
      assert.isAbove(line.length, 2 << 20)
      const real = yield* Files
      const seen: Array<number> = []
      const files = Files.of({
        ...real,
        read: (path, limit) => {
          if (path === "/proc/net/unix") seen.push(limit)
          return real.read(path, limit)
        }
      })
      yield* look(vhost("/nowhere/a", "server")).pipe(Effect.provideService(Files, files))
      assert.isNotEmpty(seen)
      assert.isTrue(seen.every((limit) => limit > line.length))
    }).pipe(Effect.provide(Files.layer))
  )
})
