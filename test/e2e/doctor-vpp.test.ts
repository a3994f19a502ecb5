/** Symptoms of docs/troubleshooting.md on VPP: the finding of each, on the one in TypeScript and on real ones. */
import { basename } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { until } from "../support/Until.ts"
import { start as startServer } from "../vpp/server/VppServer.ts"
import { doctor, networkFile, symptom } from "./support/Doctor.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { onMachine } from "./support/Suite.ts"
import { type OnVpp, onReal, onTypeScript, VppCniNode, VppDaemon, VppInTypeScript } from "./support/VppCniNode.ts"
import { instance } from "./support/VppInstance.ts"

const onNode = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const { directory } = yield* VppCniNode
  return yield* doctor("--state-dir", `${directory}/state`, "--cni-path", `${directory}/bin`, ...args)
})

const bridge = { netType: "bridge", bridge: { bridgeName: "4" } }

const symptoms = (test: Vitest.Test<OnVpp | Scope.Scope>) => {
  test("an application that has not come, a port that VPP has forgotten, and no VPP", () =>
    Effect.gen(function* () {
      const { call, network, sandbox } = yield* VppCniNode
      const daemon = yield* VppDaemon
      const own = yield* sandbox
      assert.strictEqual((yield* call("ADD", own, network(bridge))).status, 0)
      const before = yield* onNode()
      assert.deepStrictEqual(
        before.attachments.map(({ findings }) => findings.map(({ id }) => id)),
        [["application-not-connected"]]
      )
      const seen = new Map(before.attachments[0]?.links.map(({ link, seen }) => [link, seen]))
      assert.include(seen.get("port") ?? "", "on bridge domain 4")
      yield* Effect.andThen(daemon.kill, daemon.start)
      assert.include((yield* onNode()).ids, "port-missing")
      yield* daemon.kill
      assert.include((yield* onNode()).ids, symptom("no VPP"))
      yield* daemon.start
      assert.strictEqual((yield* call("DEL", own, network(bridge))).status, 0)
    }))
}

onMachine(["root", "executable", "hostLocal"], onTypeScript)("doctor on VPP, in TypeScript", (test) => {
  symptoms(test)

  test("buffers that are used up", () =>
    Effect.gen(function* () {
      const { directory, network } = yield* VppCniNode
      const { prints } = yield* VppInTypeScript
      const asked = ["--config", networkFile(directory, network(bridge))]
      const pool = (free: number) =>
        `default-numa-0         0     0   2304     2048    8192   ${free}      0       9   \n`
      prints.set("show buffers", pool(100))
      assert.include((yield* onNode(...asked)).ids, "vpp-buffers-used-up")
      prints.set("show buffers", pool(8000))
      assert.notInclude((yield* onNode(...asked)).ids, "vpp-buffers-used-up")
    }))

  for (const [name, missing] of [
    ["VPP without memif", /^memif_/],
    ["VPP without a message", /^sw_interface_tag_add_del_/]
  ] as const) {
    test(`${name}: the finding of the page`, () =>
      Effect.gen(function* () {
        const { directory, network } = yield* VppCniNode
        const path = `${directory}/other.sock`
        yield* startServer({ path, table: (names) => new Map([...names].filter(([, one]) => !missing.test(one))) })
        const file = networkFile(directory, network({ ...bridge, socket: path }))
        assert.include((yield* onNode("--config", file)).ids, symptom(name))
      }))
  }
})

for (const prefix of vppPrefixes) {
  onMachine(["root", "executable", "vpp", "hostLocal"], onReal(prefix))(`doctor on VPP ${basename(prefix)}`, (test) => {
    symptoms(test)

    test("a memif whose other end has come: its queues and rings, and the buffers of VPP", () =>
      Effect.gen(function* () {
        const { call, directory, network, sandbox } = yield* VppCniNode
        const own = yield* sandbox
        assert.strictEqual((yield* call("ADD", own, network(bridge))).status, 0)
        const id = own.containerId.slice(0, 12)
        const { ctl } = yield* instance(prefix)
        yield* ctl(
          "create",
          "memif",
          "socket",
          "id",
          "1",
          "filename",
          `${directory}/shared/${id}/memif-${id}-net1.sock`
        )
        yield* ctl("create", "interface", "memif", "id", "0", "socket-id", "1", "slave")
        yield* ctl("set", "interface", "state", "memif1/0", "up")
        const { attachments, node } = yield* until(
          "an application that is connected",
          onNode(),
          ({ ids }) => !ids.includes("application-not-connected")
        )
        assert.deepStrictEqual(attachments[0]?.findings, [])
        const seen = new Map(attachments[0]?.links.map(({ link, seen }) => [link, seen]))
        assert.strictEqual(seen.get("queues"), "1 to the master, 1 to the slave")
        assert.strictEqual(seen.get("rings"), "1024 descriptors")
        assert.match(node.links.find(({ link }) => link.startsWith("buffers"))?.seen ?? "", /: \d+ of \d+ are free$/)
        assert.strictEqual((yield* call("DEL", own, network(bridge))).status, 0)
      }))
  })
}
