/**
 * Mistakes of a runtime or an administrator, and a full disk: one error document with the right code that names the
 * cause, within the deadline, and nothing changed.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { CniNode, type More, type Sandbox } from "./support/CniNode.ts"
import * as Doors from "./support/Doors.ts"
import * as Plugin from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { filesIn, isStill, look, returnsTo } from "./support/World.ts"

/** No deadline for a single outside call is longer. */
const patience = 20_000

interface Wrong {
  readonly verb?: string
  readonly sandbox?: Partial<Sandbox>
  readonly network?: object
  readonly more?: More
}

interface Expected {
  readonly code: number
  readonly says: RegExp
  /** The switch is unreachable. */
  readonly silent?: boolean
}

const refuses = Effect.fnUntraced(function* (wrong: Wrong, { code, says, silent = false }: Expected) {
  const node = yield* CniNode
  const sandbox = { ...(yield* node.sandbox), ...wrong.sandbox }
  const before = yield* look(node.watched)
  const network = wrong.network ?? node.network
  const answer = yield* node.call(wrong.verb ?? "ADD", sandbox, network, wrong.more)
  // An unexpected success must not affect the following tests.
  if (answer.status === 0) yield* node.call("DEL", sandbox, network, wrong.more)
  const error = yield* Plugin.errorOf(answer)
  assert.match(`${error.msg} ${error.details ?? ""}`, says)
  assert.strictEqual(error.code, code, error.msg)
  assert.isBelow(answer.millis, patience)
  if (silent) {
    // With that ADD's note, DEL succeeds while the switch is still away; the next DEL that reaches the switch needs no
    // note.
    assert.strictEqual((yield* node.call("DEL", sandbox, network, wrong.more)).status, 0)
    assert.strictEqual((yield* node.call("DEL", sandbox, node.network)).status, 0)
  }
  yield* isStill(node.watched, before)
  return error
})

const suite = onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)

suite("runtime mistakes", (test) => {
  const environment = (name: string, value: string | undefined): Wrong => ({ more: { environment: { [name]: value } } })
  const cases: ReadonlyArray<readonly [string, Wrong, Expected]> = [
    ["no stdin: /dev/null", { more: { stdin: { is: "empty" } } }, { code: 6, says: /stdin is empty/ }],
    ["no stdin: descriptor 0 is closed", { more: { stdin: { is: "closed" } } }, { code: 6, says: /stdin/ }],
    ["a pipe that nobody writes to", { more: { stdin: { is: "silent" } } }, { code: 5, says: /stdin did not end/ }],
    ["not JSON", { more: { stdin: '{"cniVersion":' } }, { code: 6, says: /not JSON/ }],
    ["JSON, but a list", { more: { stdin: "[1]" } }, { code: 6, says: /not a JSON object/ }],
    ["not UTF-8", { more: { stdin: "\u0000\ufffd" } }, { code: 6, says: /not JSON/ }],
    ["a verb that nobody knows", { verb: "FROBNICATE" }, { code: 4, says: /CNI_COMMAND.*FROBNICATE/ }],
    ["no CNI_CONTAINERID", environment("CNI_CONTAINERID", undefined), { code: 4, says: /CNI_CONTAINERID/ }],
    ["an empty CNI_CONTAINERID", environment("CNI_CONTAINERID", ""), { code: 4, says: /CNI_CONTAINERID/ }],
    ["no CNI_NETNS", environment("CNI_NETNS", undefined), { code: 4, says: /CNI_NETNS/ }],
    ["no CNI_IFNAME", environment("CNI_IFNAME", undefined), { code: 4, says: /CNI_IFNAME/ }],
    [
      "no CNI_PATH, which the IPAM plugin is found along",
      environment("CNI_PATH", undefined),
      { code: 104, says: /CNI_PATH/ }
    ],
    ["a CNI_PATH without the IPAM plugin", environment("CNI_PATH", "/nowhere"), { code: 104, says: /host-local/ }],
    ["CNI_ARGS that are no pairs", environment("CNI_ARGS", "nonsense"), { code: 4, says: /CNI_ARGS/ }],
    [
      "several missing at once: all named",
      { more: { environment: { CNI_NETNS: undefined, CNI_IFNAME: undefined } } },
      { code: 4, says: /CNI_NETNS.*CNI_IFNAME/ }
    ],
    ["a container id of 300 characters", { sandbox: { containerId: "a".repeat(300) } }, { code: 4, says: /300 / }],
    ["a container id that is a path", { sandbox: { containerId: "../../etc" } }, { code: 4, says: /CNI_CONTAINERID/ }],
    ["an interface name with a slash", { sandbox: { ifName: "net/1" } }, { code: 4, says: /CNI_IFNAME/ }],
    ["an interface name that is a parent", { sandbox: { ifName: ".." } }, { code: 4, says: /CNI_IFNAME/ }],
    ["an interface name of 16 characters", { sandbox: { ifName: "n".repeat(16) } }, { code: 4, says: /CNI_IFNAME/ }],
    ["a network namespace that is not there", { sandbox: { netns: "/nowhere" } }, { code: 4, says: /\/nowhere/ }],
    ["a network namespace that is a file", { sandbox: { netns: "/etc/hostname" } }, { code: 4, says: /hostname/ }],
    ["a namespace of another kind", { sandbox: { netns: "/proc/self/ns/mnt" } }, { code: 4, says: /ns\/mnt/ }],
    ["the plugin's own network namespace", { sandbox: { netns: "/proc/self/ns/net" } }, { code: 8, says: /ns\/net/ }]
  ]
  for (const [name, wrong, expected] of cases) test(name, () => refuses(wrong, expected))

  test("files in the directory that it is called from are ignored", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const cwd = `${node.directory}/trap`
      mkdirSync(cwd)
      writeFileSync(`${cwd}/bunfig.toml`, 'preload = ["./preload.js"]\n')
      writeFileSync(`${cwd}/preload.js`, "process.exit(0)\n")
      writeFileSync(`${cwd}/.env`, "CNI_CONTAINERID=from-a-file\n")
      yield* refuses(
        { more: { cwd, environment: { CNI_CONTAINERID: undefined } } },
        { code: 4, says: /CNI_CONTAINERID/ }
      )
    }))

  test("a container id of 1 character is valid", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = { ...(yield* node.sandbox), containerId: "a" }
      const before = yield* look(node.watched)
      yield* Plugin.resultOf(yield* node.call("ADD", sandbox, node.network))
      assert.strictEqual((yield* node.call("DEL", sandbox, node.network)).status, 0)
      yield* returnsTo(node.watched, before)
    }))

  test("a second ADD of the same attachment fails, and the first stays complete", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      const first = yield* node.call("ADD", sandbox, node.network)
      const result = yield* Plugin.resultOf(first)
      yield* refuses({ sandbox }, { code: 102, says: /DEL/ })
      const prevResult = first.document
      const checked = yield* node.call("CHECK", sandbox, { ...node.network, prevResult })
      assert.deepStrictEqual([checked.status, checked.stdout], [0, ""], checked.stdout)
      assert.isNotEmpty(result.ips)
      assert.strictEqual((yield* node.call("DEL", sandbox, node.network)).status, 0)
      yield* returnsTo(node.watched, before)
    }))
})

suite("configuration mistakes", (test) => {
  const host = (changes: object) =>
    Effect.map(CniNode, ({ network }) => ({ network: { ...network, host: { ...network.host, ...changes } } }))
  const cases: ReadonlyArray<readonly [string, Effect.Effect<Wrong, never, CniNode>, Expected]> = [
    ["a wrong type", host({ bridge: { vlanId: "5" } }), { code: 7, says: /host\.bridge\.vlanId: "5"/ }],
    [
      "a word that is not a value",
      host({ iftype: "vhostuserr" }),
      { code: 7, says: /host\.iftype: "vhostuserr" is not/ }
    ],
    ["a key that nobody knows", host({ vhots: {} }), { code: 2, says: /host\.vhots.*vhost/ }],
    ["a combination that cannot work", host({ iftype: "memif" }), { code: 7, says: /memif/ }],
    ["a VLAN that is none", host({ bridge: { vlanId: 4095 } }), { code: 7, says: /4094/ }],
    ["a group that is not there", host({ vhost: { mode: "client", group: "nobodys" } }), { code: 7, says: /nobodys/ }],
    [
      "a version that is none",
      Effect.map(CniNode, ({ network }) => ({ network: { ...network, cniVersion: "9.9.9" } })),
      { code: 1, says: /9\.9\.9/ }
    ],
    [
      "a network name that is a path",
      Effect.map(CniNode, ({ network }) => ({ network: { ...network, name: "../e2e" } })),
      { code: 7, says: /name/ }
    ]
  ]
  for (const [name, wrong, expected] of cases) {
    test(name, () => Effect.flatMap(wrong, (made) => refuses(made, expected)))
  }
})

suite("a shared directory that cannot be used", (test) => {
  const shared = (sharedDir: string, more: More = {}) =>
    Effect.map(CniNode, ({ network }): Wrong => ({ network: { ...network, sharedDir }, more }))

  test("it is a file", () =>
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      writeFileSync(`${directory}/file`, "an administrator's\n")
      yield* refuses(yield* shared(`${directory}/file`), { code: 5, says: /\/file.*ENOTDIR/ })
      assert.strictEqual(readFileSync(`${directory}/file`, "utf8"), "an administrator's\n")
    }))

  // A mount in a separate namespace; its files are visible through the process that holds it.
  const mounts: ReadonlyArray<readonly [string, string, Expected]> = [
    ["it is read-only", "-o ro", { code: 5, says: /EROFS/ }],
    ["it has no room for a directory", "-o nr_inodes=1", { code: 5, says: /ENOSPC/ }],
    ["it has room for a directory and no room for a file in it", "-o nr_inodes=2", { code: 5, says: /ENOSPC/ }],
    ["it has names left and no bytes", "-o size=4k", { code: 5, says: /ENOSPC/ }]
  ]
  for (const [name, options, expected] of mounts) {
    test(name, () =>
      Effect.gen(function* () {
        const { privateMounts, sharedDir } = yield* CniNode
        const fill = options.includes("size") ? `&& head -c 4096 /dev/zero > ${sharedDir}/full` : ""
        const within = yield* privateMounts(`mount -t tmpfs ${options} e2e ${sharedDir} ${fill}`)
        const files = filesIn([`/proc/${within}/root${sharedDir}`])
        const before = yield* files
        yield* refuses(yield* shared(sharedDir, { within }), expected)
        assert.deepStrictEqual(yield* files, before)
      })
    )
  }
})

suite("a database that does not work", (test) => {
  const socket = (path: string) =>
    Effect.map(CniNode, ({ network }): Wrong => ({ network: { ...network, host: { ...network.host, socket: path } } }))

  test("its socket is absent", () =>
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      const path = `${directory}/absent.sock`
      yield* refuses(yield* socket(path), { code: 11, says: new RegExp(path), silent: true })
    }))

  test("it refuses", () =>
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      const path = `${directory}/refusing.sock`
      yield* Doors.refusing(path)
      yield* refuses(yield* socket(path), { code: 11, says: new RegExp(path), silent: true })
    }))

  test("it accepts and never answers", () =>
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      const path = `${directory}/silent.sock`
      yield* Doors.listening(path, () => undefined)
      yield* refuses(yield* socket(path), { code: 11, says: new RegExp(path), silent: true })
    }))

  test("it answers something else", () =>
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      const path = `${directory}/other.sock`
      yield* Doors.listening(path, (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
      yield* refuses(yield* socket(path), { code: 100, says: new RegExp(path) })
    }))

  test("it hangs up on every request", () =>
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      const path = `${directory}/hangs-up.sock`
      yield* Doors.listening(path, (socket) => socket.once("data", () => socket.destroy()))
      yield* refuses(yield* socket(path), { code: 11, says: new RegExp(path), silent: true })
    }))

  test("DEL fails too, reports it, and does the rest", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      yield* Plugin.resultOf(yield* node.call("ADD", sandbox, node.network))
      const away = `${node.directory}/away.sock`
      const answer = yield* Effect.acquireUseRelease(
        Effect.sync(() => renameSync(node.ovs.socket, away)),
        () => node.call("DEL", sandbox, node.network),
        () => Effect.sync(() => renameSync(away, node.ovs.socket))
      )
      assert.strictEqual((yield* Plugin.errorOf(answer)).code, 11)
      assert.deepStrictEqual((yield* look(node.watched)).leases, before.leases)
      assert.strictEqual((yield* node.call("DEL", sandbox, node.network)).status, 0)
      yield* returnsTo(node.watched, before)
    }))
})
