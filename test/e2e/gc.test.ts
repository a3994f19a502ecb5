/**
 * GC of the executable on a real Open vSwitch with real host-local, after attachments came and went in every way, with
 * killed calls and lost records; then `userspace list` and `userspace gc` on the same node.
 */
import { readdirSync, rmSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { CniNode, type NetworkConfiguration, type Sandbox } from "./support/CniNode.ts"
import { executable } from "./support/Machine.ts"
import * as Plugin from "./support/Plugin.ts"
import { cleanEnvironment, run } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { isStill, look, returnsTo } from "./support/World.ts"

/** In libcni's form: no attachment, and the list under both keys. */
const nobody: Sandbox = { containerId: "", netns: "", ifName: "" }

const withList = (network: object, valid: ReadonlyArray<Sandbox>) => {
  const list = valid.map(({ containerId, ifName }) => ({ containerID: containerId, ifname: ifName }))
  return { ...network, cniVersion: "1.1.0", "cni.dev/valid-attachments": list, "cni.dev/attachments": list }
}

const gc = Effect.fnUntraced(function* (valid: ReadonlyArray<Sandbox>, network?: object) {
  const node = yield* CniNode
  return yield* node.call("GC", nobody, withList(network ?? node.network, valid))
})

const succeeds = Effect.fnUntraced(function* (valid: ReadonlyArray<Sandbox>, network?: object) {
  const { document, status, stderr, stdout } = yield* gc(valid, network)
  assert.strictEqual(status, 0, stdout + stderr)
  assert.isUndefined(document)
})

const add = Effect.fnUntraced(function* (network: object) {
  const node = yield* CniNode
  const sandbox = yield* node.sandbox
  const { status, stdout } = yield* node.call("ADD", sandbox, network)
  assert.strictEqual(status, 0, stdout)
  return sandbox
})

const server = (network: NetworkConfiguration) => ({
  ...network,
  host: { ...network.host, vhost: { mode: "server" } }
})

/** Debian's host-local knows versions up to 1.0.0 only, so its address is not released without a record. */
const withoutIpam = ({ ipam: _, ...network }: NetworkConfiguration) => network

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("GC", (test) => {
  test("removes attachments that are not in the list, in either mode, and no others; an administrator's ports stay", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const bridge = node.network.host.bridge.bridgeName
      const stays = [yield* add(node.network), yield* add(server(node.network))]
      yield* node.vsctl("--", "add-port", bridge, "admins", "--", "set", "Interface", "admins", "type=internal")
      const before = yield* look(node.watched)
      yield* add(node.network)
      yield* add(server(node.network))
      const second = { ...(stays[0] ?? nobody), ifName: "net10" }
      yield* Plugin.resultOf(yield* node.call("ADD", second, node.network))
      yield* succeeds(stays)
      yield* returnsTo(node.watched, before)
      yield* succeeds(stays)
      yield* isStill(node.watched, before)
      yield* node.vsctl("del-port", "admins")
      yield* succeeds([])
    }))

  test("finds ports without a record by their mark, and none of another network", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const network = withoutIpam(node.network)
      const other = yield* add({ ...network, name: "another" })
      const before = yield* look(node.watched)
      const files = (world: typeof before) =>
        Object.keys(world.files).filter((path) => !path.startsWith(node.stateDir) && !path.endsWith(".userspace-cni"))
      yield* add(network)
      rmSync(`${node.stateDir}/attachments`, { recursive: true })
      yield* succeeds([], network)
      const after = yield* look(node.watched)
      assert.deepStrictEqual([after.tables, files(after)], [before.tables, files(before)])
      yield* succeeds([other], { ...network, name: "another" })
      assert.deepStrictEqual((yield* look(node.watched)).tables, before.tables)
      yield* succeeds([], { ...network, name: "another" })
    }))

  test("reports an IPAM plugin that is too old to release addresses without a record, and does the rest", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const before = yield* look(node.watched)
      const sandbox = yield* add(node.network)
      rmSync(`${node.stateDir}/attachments`, { recursive: true })
      const error = yield* Plugin.errorOf(yield* gc([]))
      assert.strictEqual(error.code, 106)
      assert.include(error.msg, `net1 of container ${sandbox.containerId}: IPAM plugin host-local DEL: code 1`)
      assert.deepStrictEqual((yield* look(node.watched)).tables, before.tables)
      yield* node.call("DEL", sandbox, node.network)
      yield* returnsTo(node.watched, before)
    }))

  test("leaves nothing of ADDs killed at any moment, and loses nothing of the one that lives", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const alive = yield* add(node.network)
      const before = yield* look(node.watched)
      const sandbox = yield* node.sandbox
      const whole = (yield* node.call("ADD", sandbox, node.network)).millis
      yield* node.call("DEL", sandbox, node.network)
      const records = () => readdirSync(`${node.stateDir}/attachments`).filter((name) => name.endsWith(".json"))
      // Later than a call takes, when the machine has become slower.
      for (let instant = 0; instant < 20 || records().length <= 2; instant++) {
        const millis = (whole * 1.1 * instant) / 20
        const containerId = `${sandbox.containerId.slice(0, 20)}${instant}`
        yield* Effect.scoped(
          Effect.gen(function* () {
            const call = yield* Plugin.begin(node.called("ADD", { ...sandbox, containerId }, node.network))
            yield* Effect.sleep(millis)
            yield* call.signal("SIGKILL")
            yield* call.outcome
          })
        )
      }
      assert.isAbove(records().length, 1, "none was killed that had begun")
      yield* succeeds([alive])
      yield* returnsTo(node.watched, before)
      const answer = yield* node.call("CHECK", alive, { ...node.network, prevResult: undefined })
      assert.strictEqual(answer.status, 0, answer.stdout)
      yield* succeeds([])
    }))

  test("removes a network's ports on the old bridge and directory after the network has moved", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const before = yield* look(node.watched)
      yield* add(node.network)
      const { host } = node.network
      const moved = {
        ...node.network,
        sharedDir: `${node.directory}/other`,
        host: { ...host, bridge: { bridgeName: "br-m" } }
      }
      yield* succeeds([], moved)
      yield* returnsTo(node.watched, before)
    }))

  test("removes nothing without a list, and in an older version", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      yield* add(node.network)
      const before = yield* look(node.watched)
      const calls = [
        [{ ...node.network, cniVersion: "1.1.0" }, 7],
        [{ ...withList(node.network, []), cniVersion: "1.0.0" }, 1]
      ] as const
      for (const [network, code] of calls) {
        assert.strictEqual((yield* Plugin.errorOf(yield* node.call("GC", nobody, network))).code, code)
      }
      yield* isStill(node.watched, before)
      yield* succeeds([])
    }))

  test("does the rest when the switch is away; the next GC completes it", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const before = yield* look(node.watched)
      yield* add(node.network)
      yield* node.ovs.stopOvsdb
      const error = yield* Plugin.errorOf(yield* gc([]))
      assert.strictEqual(error.code, 11)
      assert.match(error.msg, /^GC is incomplete: Open vSwitch: list ports: /)
      yield* node.ovs.startOvsdb
      assert.deepStrictEqual((yield* look(node.watched)).leases, [])
      yield* succeeds([])
      // Everything except the pid of the new database.
      const own = { ...node.watched, directories: [node.sharedDir, node.stateDir] }
      const files = Object.entries(before.files).filter(([path]) => !path.startsWith(node.ovs.directory))
      yield* returnsTo(own, { ...before, files: Object.fromEntries(files) })
    }))
})

const typed = (...args: ReadonlyArray<string>) =>
  run(executable, args, { env: cleanEnvironment, stdin: { is: "empty" } })

const Listing = Schema.fromJsonString(
  Schema.Struct({
    attachments: Schema.Array(
      Schema.Struct({
        containerId: Schema.String,
        state: Schema.String,
        recorded: Schema.Boolean,
        sandbox: Schema.String
      })
    )
  })
)

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("userspace list and userspace gc", (test) => {
  test("show attachments, incomplete ones and those whose sandbox is gone, and remove only the last", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const listed = Effect.gen(function* () {
        const { status, stderr, stdout } = yield* typed("list", "--json", "--state-dir", node.stateDir)
        assert.deepStrictEqual([status, stderr], [0, ""])
        const { attachments } = yield* Schema.decodeUnknownEffect(Listing)(stdout)
        return Object.fromEntries(
          attachments.map(({ containerId, recorded, sandbox, state }) => [
            containerId,
            `${state} ${recorded} ${sandbox}`
          ])
        )
      })
      const whole = yield* add(node.network)
      const forgotten = yield* add(node.network)
      yield* node.vsctl("del-port", yield* node.portMarked(forgotten.containerId))
      const before = yield* look(node.watched)
      const gone = yield* Effect.scoped(add(node.network))
      const wanted = {
        [whole.containerId]: "disconnected true there",
        [forgotten.containerId]: "missing true there",
        [gone.containerId]: "disconnected true gone"
      }
      assert.deepStrictEqual(yield* listed, wanted)

      const config = `${node.directory}/net.conf`
      writeFileSync(config, JSON.stringify(node.network))
      const args = ["gc", "--config", config, "--by-sandbox", "--cni-path", node.plugins]
      const all = yield* look(node.watched)
      const planned = yield* typed(...args, "--dry-run")
      assert.deepStrictEqual([planned.status, planned.stderr], [0, ""])
      assert.include(planned.stdout, gone.containerId.slice(0, 12))
      assert.notInclude(planned.stdout, whole.containerId.slice(0, 12))
      yield* isStill(node.watched, all)

      const done = yield* typed(...args)
      assert.deepStrictEqual([done.status, done.stderr], [0, ""])
      assert.include(done.stdout, "Removed one attachment of network e2e.")
      yield* returnsTo(node.watched, before)

      writeFileSync(`${node.directory}/valid.json`, "[]")
      const last = yield* typed(
        "gc",
        "--config",
        config,
        "--valid",
        `${node.directory}/valid.json`,
        "--cni-path",
        node.plugins
      )
      assert.strictEqual(last.status, 0, last.stderr)
      assert.deepStrictEqual(yield* listed, {})
    }))
})
