/**
 * cnitool, the reference caller of the CNI project, adds, checks and deletes: an independent implementation of the
 * specification judges the executable's answers.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { CniNode } from "./support/CniNode.ts"
import { cnitool } from "./support/Machine.ts"
import { Result } from "./support/Plugin.ts"
import { cleanEnvironment, run } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

/** libcni caches results at a fixed path, so cnitool gets an empty directory there; it lasts as long as `holder`. */
const calls = Effect.gen(function* () {
  const node = yield* CniNode
  const { ifName, netns } = yield* node.sandbox
  const mounts = yield* node.privateMounts("mount -t tmpfs e2e /var/lib")
  mkdirSync(`${node.directory}/net.d`)
  const { cniVersion, name, ...plugin } = node.network
  writeFileSync(`${node.directory}/net.d/10-e2e.conflist`, JSON.stringify({ cniVersion, name, plugins: [plugin] }))
  const call = (verb: "add" | "check" | "del") =>
    run("nsenter", [`--mount=/proc/${mounts}/ns/mnt`, cnitool, verb, name, netns], {
      env: {
        ...cleanEnvironment,
        CNI_PATH: node.plugins,
        NETCONFPATH: `${node.directory}/net.d`,
        CNI_IFNAME: ifName,
        CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=e2e;K8S_POD_NAME=pod"
      }
    })
  return { call, ifName, netns }
})

onMachine(["root", "executable", "ovs", "hostLocal", "cnitool"], CniNode.layer)("called by cnitool", (test) => {
  test("add returns a result, check succeeds, del leaves nothing, a second del succeeds", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const { call, ifName, netns } = yield* calls
      const before = yield* look(node.watched)

      const added = yield* call("add")
      assert.strictEqual(added.status, 0, added.stderr)
      const result = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Result))(added.stdout)
      assert.strictEqual(result.cniVersion, "1.0.0")
      assert.deepStrictEqual(
        result.interfaces.map(({ name, sandbox }) => ({ name, sandbox })),
        [{ name: ifName, sandbox: netns }]
      )
      assert.deepStrictEqual(
        result.ips.map((ip) => ip.interface),
        [0]
      )

      const checked = yield* call("check")
      assert.deepStrictEqual([checked.status, checked.stdout, checked.stderr], [0, "", ""])

      yield* node.vsctl("set", "Port", yield* node.portMarked("cnitool-"), "tag=7")
      const changed = yield* call("check")
      assert.notStrictEqual(changed.status, 0)
      assert.match(changed.stderr, /changed since ADD: .*7/)

      for (const time of ["first", "second"]) {
        const deleted = yield* call("del")
        assert.deepStrictEqual([time, deleted.status, deleted.stdout, deleted.stderr], [time, 0, "", ""])
      }
      yield* returnsTo(node.watched, before)
    }))
})
