/**
 * Attachments do not disturb each other: twenty pods at the same time on one bridge, which the first makes and the last
 * removes, in one shared directory and one range of addresses.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { CniNode, type Sandbox } from "./support/CniNode.ts"
import { resultOf } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

const pods = 20

const added = Effect.fnUntraced(function* (sandbox: Sandbox) {
  const node = yield* CniNode
  const result = yield* resultOf(yield* node.call("ADD", sandbox, node.network))
  return { address: result.ips[0]?.address, mac: result.interfaces[0]?.mac }
})

const deleted = Effect.fnUntraced(function* (sandbox: Sandbox) {
  const node = yield* CniNode
  const answer = yield* node.call("DEL", sandbox, node.network)
  assert.strictEqual(answer.status, 0, answer.stdout + answer.stderr)
})

const together = { concurrency: "unbounded" } as const

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("twenty pods at the same time", (test) => {
  test("all are added with their own address and port, all are removed, nothing is left", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandboxes = yield* Effect.all(Array.from({ length: pods }, () => node.sandbox))
      const before = yield* look(node.watched)

      const results = yield* Effect.forEach(sandboxes, added, together)
      assert.strictEqual(new Set(results.map(({ address }) => address)).size, pods)
      assert.strictEqual(new Set(results.map(({ mac }) => mac)).size, pods)
      const ports = yield* node.vsctl("list-ports", node.network.host.bridge.bridgeName)
      assert.strictEqual(ports.trim().split("\n").length, pods)
      assert.strictEqual((yield* look(node.watched)).leases.length, pods)

      yield* Effect.forEach(sandboxes, deleted, together)
      yield* returnsTo(node.watched, before)
    }))

  test("added and removed in each other's way, so that the bridge comes and goes, each succeeds", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandboxes = yield* Effect.all(Array.from({ length: pods }, () => node.sandbox))
      const before = yield* look(node.watched)
      const comeAndGo = (sandbox: Sandbox) => Effect.andThen(added(sandbox), deleted(sandbox))
      yield* Effect.forEach(sandboxes, comeAndGo, { concurrency: 5 })
      yield* returnsTo(node.watched, before)
    }))
})
