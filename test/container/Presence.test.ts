/** Is the socket there, and what to do: on real sockets and directories, seen by users with and without rights. */
import { chmodSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Interface } from "../../src/container/Interface.ts"
import { CurrentUser, type Identity, look } from "../../src/container/Presence.ts"
import { FileError, Files } from "../../src/platform/Files.ts"
import { listening, pod } from "./support/Pod.ts"

const root: Identity = { uid: 0, gids: [0] }
const nobody: Identity = { uid: 65534, gids: [65534] }
/** Somebody else, who is in the group of the files that these tests make. */
const member: Identity = { uid: 65534, gids: [process.getgid?.() ?? 0] }

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

describe("a socket that the switch makes", () => {
  it.live("is waited for until it is there", () =>
    Effect.gen(function* () {
      const { directory } = yield* pod
      const one = vhost(`${directory}/s`, "client")
      const before = yield* seen(one)
      assert.strictEqual(flags(before), "absent")
      assert.include(before.words, "the switch makes it")
      yield* listening(one.socket)
      const after = yield* seen(one)
      assert.strictEqual(flags(after), "there ready")
      assert.include(after.words, "connect as vhost-user client")
    })
  )

  it.live("says who may not connect", () =>
    Effect.gen(function* () {
      const { directory } = yield* pod
      const one = vhost(`${directory}/s`, "client")
      yield* listening(one.socket)
      chmodSync(one.socket, 0o660)
      assert.include((yield* seen(one, nobody)).words, "uid 65534 may not connect")
      assert.notInclude((yield* seen(one, member)).words, "may not")
      chmodSync(one.socket, 0o666)
      assert.notInclude((yield* seen(one, nobody)).words, "may not")
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

describe("a socket that the application makes", () => {
  it.live("is not waited for, and is told from one that was left behind", () =>
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
      // What a killed application leaves: the name of a socket on which nobody listens.
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

  it.live("needs a directory in which this user may make it", () =>
    Effect.gen(function* () {
      const { directory } = yield* pod
      const one = vhost(`${directory}/s`, "server")
      chmodSync(directory, 0o755)
      assert.include((yield* seen(one, nobody)).words, "uid 65534 may not")
      chmodSync(directory, 0o2770)
      assert.notInclude((yield* seen(one, member)).words, "may not")
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

it.live("without /proc a socket is there or not, all the same", () =>
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
