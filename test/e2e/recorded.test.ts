/**
 * The commands that need only the records, by the executable on a real Open vSwitch: check, del, gc and list in their
 * printed form, with arguments and namespaces as container runtimes pass them.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { CniNode } from "./support/CniNode.ts"
import { executable } from "./support/Machine.ts"
import * as Plugin from "./support/Plugin.ts"
import { cleanEnvironment, run } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { isStill, look, returnsTo } from "./support/World.ts"

const typed = (...args: ReadonlyArray<string>) =>
  run(executable, args, { env: cleanEnvironment, stdin: { is: "empty" } })

/** In containerd's form: host-local refuses unknown keys without IgnoreUnknown. */
const argsOf = (name: string) => ({
  environment: {
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_INFRA_CONTAINER_ID=${name};K8S_POD_UID=u-${name}`
  }
})

const add = Effect.fnUntraced(function* (name: string) {
  const node = yield* CniNode
  const sandbox = yield* node.sandbox
  yield* Plugin.resultOf(yield* node.call("ADD", sandbox, node.network, argsOf(name)))
  return sandbox
})

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("from the records", (test) => {
  test("check compares every attachment, names differences, and del removes it", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const here = ["--state-dir", node.stateDir, "--cni-path", node.plugins]
      const empty = yield* look(node.watched)
      const [first, second] = [yield* add("web-0"), yield* add("web-1")]
      const before = yield* look(node.watched)
      const whole = yield* typed("check", ...here)
      assert.deepStrictEqual([whole.status, whole.stderr], [0, ""], whole.stdout)
      assert.include(whole.stdout, "2 attachments: 2 unchanged.")
      yield* isStill(node.watched, before)

      const port = yield* node.portMarked(second.containerId)
      yield* node.vsctl("set", "Port", port, "tag=7")
      const differs = yield* typed("check", ...here)
      assert.strictEqual(differs.status, 1)
      assert.include(differs.stdout, `differs: VLAN of port ${port} is 7, not none`)
      assert.include(differs.stderr, `net1 of container ${second.containerId}, network e2e`)
      assert.strictEqual((yield* typed("check", "--pod", "default/web-0", ...here)).status, 0)

      for (const { containerId } of [first, second]) {
        const deleted = yield* typed("del", "--container-id", containerId.slice(0, 12), ...here)
        assert.deepStrictEqual([deleted.status, deleted.stderr], [0, ""])
      }
      yield* returnsTo(node.watched, empty)
    }))

  test("gc removes attachments that lost their sandbox, and judges no namespace out of its sight", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const empty = yield* look(node.watched)
      yield* Effect.scoped(add("web-2"))
      const gc = ["gc", "--by-sandbox", "--state-dir", node.stateDir, "--cni-path", node.plugins]
      const inContainer = yield* run("unshare", ["--pid", "--fork", executable, ...gc], {
        env: cleanEnvironment,
        stdin: { is: "empty" }
      })
      assert.include(inContainer.stdout, "Removed 0 attachments of all networks.\n\nKept: 1.", inContainer.stderr)
      const done = yield* typed(...gc)
      assert.deepStrictEqual([done.status, done.stderr], [0, ""])
      assert.include(done.stdout, "Removed one attachment of all networks.")
      yield* returnsTo(node.watched, empty)
    }))

  for (const how of ["killed", "stopped"]) {
    test(`list does not repeat the state of an ovs-vswitchd that was ${how}`, () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const sandbox = yield* add("web-3")
        const list = ["list", "--state-dir", node.stateDir]
        assert.strictEqual((yield* typed(...list)).status, 0)
        yield* how === "killed" ? node.ovs.killVswitchd : node.ovs.stopVswitchd
        const { status, stderr, stdout } = yield* typed(...list)
        assert.strictEqual(status, 1)
        assert.match(stdout, /unknown, was disconnected$/m)
        assert.include(stderr, "a switch does not answer; the state of its ports is unknown")
        assert.match(
          stderr,
          /ovs-vswitchd (does not answer on .*; it was started|is not running: .*; it ended) at \d{4}-/
        )
        yield* node.ovs.startVswitchd
        yield* node.call("DEL", sandbox, node.network)
      }))
  }
})
