/**
 * An Open vSwitch whose server-mode sockets are in another directory than its database (`other_config:vhost-sock-dir`),
 * and a caller that sets OVS_SOCKDIR.
 */
import { lstatSync, mkdirSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { CniNode, socketOf } from "./support/CniNode.ts"
import { errorOf, well } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

/** DPDK reads the directory's name once, when ovs-vswitchd starts. */
const elsewhere = Effect.gen(function* () {
  const { ovs, vsctl } = yield* CniNode
  const directory = `${ovs.runDir}/sockets`
  mkdirSync(directory)
  yield* vsctl("set", "Open_vSwitch", ".", "other_config:vhost-sock-dir=sockets")
  yield* ovs.stopVswitchd
  yield* ovs.startVswitchd
  return directory
})

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("sockets in a directory of their own", (test) => {
  test("with OVS_SOCKDIR the container gets its socket; without, ADD fails and leaves nothing", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const { network, sharedDir } = node
      const directory = yield* elsewhere
      const sandbox = yield* node.sandbox
      const conf = { ...network, host: { ...network.host, vhost: { mode: "server" } } }
      const more = { environment: { OVS_SOCKDIR: directory } }
      const before = yield* look(node.watched)

      const added = yield* node.call("ADD", sandbox, conf, more)
      well(added)
      const made = lstatSync(`${directory}/${yield* node.portMarked(sandbox.containerId)}`)
      const published = lstatSync(socketOf(sharedDir, sandbox))
      assert.ok(published.isSocket())
      assert.deepStrictEqual([published.dev, published.ino], [made.dev, made.ino])
      const prevResult = added.document
      well(yield* node.call("CHECK", sandbox, { ...conf, prevResult }, more))
      well(yield* node.call("DEL", sandbox, conf, more))
      yield* returnsTo(node.watched, before)

      const { code, details, msg } = yield* errorOf(yield* node.call("ADD", sandbox, conf))
      assert.strictEqual(code, ErrorCodes.SocketPath)
      assert.include(msg, "created its socket, but not at")
      assert.include(details, "Set OVS_SOCKDIR")
      yield* returnsTo(node.watched, before)
    }))
})
