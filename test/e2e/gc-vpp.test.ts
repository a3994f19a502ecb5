/**
 * GC, STATUS, `userspace list` and `userspace gc` of the executable with VPP: real ones, or the model.
 */
import { rmSync, writeFileSync } from "node:fs"
import { assert, type Vitest } from "@effect/vitest"
import { Duration, Effect, Schema, type Scope } from "effect"
import type { Sandbox } from "./support/CniNode.ts"
import { errorOf } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { everyVpp, type OnVpp, VppCniNode, VppDaemon } from "./support/VppCniNode.ts"

const nobody: Sandbox = { containerId: "", netns: "", ifName: "" }
const bridge = { netType: "bridge", bridge: { bridgeName: "61" } }

const Listing = Schema.fromJsonString(
  Schema.Struct({
    attachments: Schema.Array(
      Schema.Struct({
        containerId: Schema.String,
        ifName: Schema.NullOr(Schema.String),
        network: Schema.NullOr(Schema.String),
        port: Schema.NullOr(Schema.String),
        state: Schema.String
      })
    )
  })
)

const collects = (test: Vitest.Test<OnVpp | Scope.Scope>) => {
  const node = Effect.gen(function* () {
    const made = yield* VppCniNode
    const conf = made.network(bridge)
    const add = Effect.gen(function* () {
      const sandbox = yield* made.sandbox
      const { status, stdout } = yield* made.call("ADD", sandbox, conf)
      assert.strictEqual(status, 0, stdout)
      return sandbox
    })
    const gc = Effect.fnUntraced(function* (valid: ReadonlyArray<Sandbox>) {
      const list = valid.map(({ containerId, ifName }) => ({ containerID: containerId, ifname: ifName }))
      const asked = { ...conf, cniVersion: "1.1.0", "cni.dev/valid-attachments": list }
      const { status, stdout } = yield* made.call("GC", nobody, asked)
      assert.deepStrictEqual([status, stdout], [0, ""])
    })
    const list = Effect.gen(function* () {
      const { status, stdout } = yield* made.userspace(
        ...["list", "--json", "--state-dir", `${made.directory}/state`, "--vpp-socket", made.api]
      )
      assert.strictEqual(status, 0, stdout)
      return (yield* Schema.decodeUnknownEffect(Listing)(stdout)).attachments
    })
    return { ...made, add, conf, gc, list }
  })

  test("GC removes attachments that are not in the list, and no others", () =>
    Effect.gen(function* () {
      const { add, gc, look, returnsTo } = yield* node
      const none = yield* look
      const stays = yield* add
      const before = yield* look
      yield* add
      yield* add
      yield* gc([stays])
      yield* returnsTo(before)
      yield* gc([])
      yield* returnsTo(none)
    }))

  test("GC after VPP was killed and started again removes leases, sockets, records and nothing else", () =>
    Effect.gen(function* () {
      const { add, gc, look, returnsTo } = yield* node
      const daemon = yield* VppDaemon
      const none = yield* look
      const stays = yield* add
      yield* add
      yield* Effect.andThen(daemon.kill, daemon.start)
      yield* gc([stays])
      yield* gc([])
      yield* returnsTo(none)
    }))

  test("list shows a port that VPP has lost as missing, and one without a record by its mark", () =>
    Effect.gen(function* () {
      const { add, call, conf, directory, gc, list } = yield* node
      const daemon = yield* VppDaemon
      const sandbox = yield* add
      const [one = assert.fail("it is not there")] = yield* list
      assert.deepInclude(one, {
        containerId: sandbox.containerId,
        ifName: "net1",
        network: "e2e",
        state: "disconnected"
      })
      assert.match(one.port ?? "", /^memif\d+\/0$/)
      rmSync(`${directory}/state/attachments`, { recursive: true })
      assert.deepStrictEqual(yield* list, [
        { ...one, containerId: sandbox.containerId.slice(0, 12), ifName: null, network: null }
      ])
      // Debian's host-local does not know 1.1.0, the version used without a record.
      assert.strictEqual((yield* call("DEL", sandbox, conf)).status, 0)
      yield* add
      yield* Effect.andThen(daemon.kill, daemon.start)
      const [forgotten] = yield* list
      assert.deepInclude(forgotten, { state: "missing", port: null, network: "e2e" })
      yield* gc([])
      assert.deepStrictEqual(yield* list, [])
    }))

  test("gc by sandbox removes the attachments of a sandbox that is gone, and a dry run changes nothing", () =>
    Effect.gen(function* () {
      const { add, conf, directory, gc, look, returnsTo, userspace } = yield* node
      yield* add
      const before = yield* look
      yield* Effect.scoped(add)
      const both = yield* look
      const config = `${directory}/net.conf`
      writeFileSync(config, JSON.stringify(conf))
      const args = ["gc", "--config", config, "--by-sandbox", "--cni-path", `${directory}/bin`]
      const planned = yield* userspace(...args, "--dry-run")
      assert.include(planned.stdout, "disconnected, sandbox gone")
      assert.deepStrictEqual(yield* look, both)
      const done = yield* userspace(...args)
      assert.deepStrictEqual([done.status, done.stderr], [0, ""])
      yield* returnsTo(before)
      yield* gc([])
    }))

  test("STATUS succeeds, changes nothing, and reports in time that VPP is gone", () =>
    Effect.gen(function* () {
      const { call, look, network } = yield* node
      const daemon = yield* VppDaemon
      const conf = network(bridge, { cniVersion: "1.1.0", ipam: undefined })
      const before = yield* look
      const { status, stderr, stdout } = yield* call("STATUS", nobody, conf)
      assert.deepStrictEqual([status, stdout, stderr], [0, "", ""])
      assert.deepStrictEqual(yield* look, before)
      yield* Effect.acquireRelease(daemon.kill, () => daemon.start)
      const [took, answer] = yield* Effect.timed(call("STATUS", nobody, conf))
      const error = yield* errorOf(answer)
      assert.strictEqual(error.code, 51)
      assert.match(error.msg, /^VPP: status: /)
      // Like a probe's four seconds; the rest is for a busy machine.
      assert.isBelow(Duration.toSeconds(took), 20)
    }))
}

for (const [name, needs, live] of everyVpp) {
  onMachine(["root", "executable", "hostLocal", ...needs], live)(`GC, STATUS and list with ${name}`, collects)
}
